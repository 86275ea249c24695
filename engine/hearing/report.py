"""The result of a measurement of hearing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Bounds = tuple[float, float]


@dataclass(frozen=True)
class Figure:
    """A mean over queries, or a ratio of two, with two 95% intervals.

    Attributes
    ----------
    mean : float or None
        None for a ratio to 0.
    tracks : (float, float) or None
        From resampling tracks: how sure the figure is for the artists asked for.
    artists : (float, float) or None
        From resampling artists: how sure it is for artists in general; None where they are too
        few.
    """

    mean: float | None
    tracks: Bounds | None = None
    artists: Bounds | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return the fields by name; bounds as lists."""
        return {
            "mean": self.mean,
            "tracks": None if self.tracks is None else list(self.tracks),
            "artists": None if self.artists is None else list(self.artists),
        }


Figures = Mapping[str, Figure]
"""Figures by measure, such as "p@5"."""


@dataclass(frozen=True)
class Section:
    """The scores of all systems on one question.

    Attributes
    ----------
    name : str
        Such as "tracks" or "chunks, other albums".
    queries, tracks, artists : int
        Items asked for, and the tracks and artists that they are of.
    systems : mapping of str to mapping of str to Figure
        By system and measure.
    ratios : mapping of str to mapping of str to Figure
        The system's mean divided by the baseline's, over the same draws.
    """

    name: str
    queries: int
    tracks: int
    artists: int
    systems: Mapping[str, Figures]
    ratios: Mapping[str, Figures]

    def as_dict(self) -> dict[str, Any]:
        """Return everything as JSON-able values."""
        return {
            "name": self.name,
            "queries": self.queries,
            "tracks": self.tracks,
            "artists": self.artists,
            "systems": _as_dict(self.systems),
            "ratios": _as_dict(self.ratios),
        }


@dataclass(frozen=True)
class Steadiness:
    """How much one change of the sound moves a system's vectors.

    Attributes
    ----------
    tracks : int
        Tracks that could be changed so.
    mean, low : float
        Cosine of a track to its changed self: mean and 5th percentile.
    found : float
        Share of changed tracks whose nearest neighbour in the gallery is the track itself.
    """

    tracks: int
    mean: float
    low: float
    found: float

    def as_dict(self) -> dict[str, float]:
        """Return the fields by name."""
        return {"tracks": self.tracks, "mean": self.mean, "low": self.low, "found": self.found}


@dataclass(frozen=True)
class Robustness:
    """The steadiness of one system.

    Attributes
    ----------
    others : float
        Mean cosine of the same tracks to all other tracks: what to hold the others against.
    changes : mapping of str to Steadiness
        By change.
    """

    others: float
    changes: Mapping[str, Steadiness]

    def as_dict(self) -> dict[str, Any]:
        """Return everything as JSON-able values."""
        changes = {name: change.as_dict() for name, change in self.changes.items()}
        return {"others": self.others, "changes": changes}


@dataclass(frozen=True)
class HearingReport:
    """What was measured, on what, and how.

    Attributes
    ----------
    sizes : mapping of str to int
        Tracks and artists asked for and searched, files left out.
    parameters : mapping
        Everything that the numbers depend on, JSON-able.
    training : mapping of str to list
        Of each recipe: tracks, artists and seconds of the training of each fold.
    sections : tuple of Section
    robustness : mapping of str to Robustness
        By system; empty if it was not asked for.
    skipped : mapping of str to str
        Systems and questions that were not measured, and why.
    notes : tuple of str
        What a reader must know before believing the figures, one sentence each.
    """

    sizes: Mapping[str, int]
    parameters: Mapping[str, Any]
    training: Mapping[str, list[dict[str, float]]]
    sections: tuple[Section, ...]
    robustness: Mapping[str, Robustness] = field(default_factory=dict)
    skipped: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return everything as JSON-able values."""
        return {
            "sizes": dict(self.sizes),
            "parameters": dict(self.parameters),
            "training": {name: list(folds) for name, folds in self.training.items()},
            "sections": [section.as_dict() for section in self.sections],
            "robustness": {name: r.as_dict() for name, r in self.robustness.items()},
            "skipped": dict(self.skipped),
            "notes": list(self.notes),
        }


def _as_dict(systems: Mapping[str, Figures]) -> dict[str, Any]:
    return {s: {m: f.as_dict() for m, f in figures.items()} for s, figures in systems.items()}
