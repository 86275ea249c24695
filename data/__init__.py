"""What the service learns from: ids, tracks, plays, where they are kept and how they are read.

Leftmost room of the house: imports no other room, no model library and no server.
"""

from data.catalog import Catalog, Track
from data.errors import (
    AudioError,
    BundleError,
    DataError,
    ParameterError,
    SegueError,
    UnknownTrack,
    UnknownUser,
)
from data.history import History
from data.interactions import Feedback, Interactions
from data.vocabulary import Vocabulary

__all__ = [
    "AudioError",
    "BundleError",
    "Catalog",
    "DataError",
    "Feedback",
    "History",
    "Interactions",
    "ParameterError",
    "SegueError",
    "Track",
    "UnknownTrack",
    "UnknownUser",
    "Vocabulary",
]
