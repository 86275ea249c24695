"""The truth: tracks, events and embeddings in an SQL database. See `Store`."""

from data.store.events import AddedEvents, Event
from data.store.shown import Impression, Recommendation, ShownItem
from data.store.staging import ImportCounts
from data.store.store import Store

__all__ = [
    "AddedEvents",
    "Event",
    "ImportCounts",
    "Impression",
    "Recommendation",
    "ShownItem",
    "Store",
]
