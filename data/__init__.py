"""What the service learns from: ids, tracks, plays, where they are kept and how they are read.

Leftmost room of the house: imports no other room, no model library and no server. Names are looked
up when they are first used, since the tables bring pandas and pyarrow, for which a process that
decodes sound (it needs `data.errors`) would wait half a second.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
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

_HOMES = {
    "Catalog": "catalog",
    "Feedback": "interactions",
    "History": "history",
    "Interactions": "interactions",
    "Track": "catalog",
    "Vocabulary": "vocabulary",
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"data.{_HOMES.get(name, 'errors')}"), name)
