"""A rule, and what it means for one catalogue."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from ranker.candidates import BoolArray, IntArray
from ranker.rules.kinds import AnyRule, Boost, Bury

Origin = Literal["settings", "request"]

FACTORS, PLACES, SEATS = 1, 2, 3
"""Stages: boosts by factor, boosts by places, and the first of those that give out places."""

_ORDER = ("filter", "factor", "places", "pin", "quota", "artist_cap", "spacing")


@dataclass(frozen=True, eq=False)
class Ruled:
    """A rule and the tracks that it is about.

    Attributes
    ----------
    rule : Filter, Boost, Bury, Pin, Quota, ArtistCap or Spacing
    matching : ndarray of bool, shape (n_tracks,), or None
        None where it is about all tracks.
    origin : "settings" or "request"
    """

    rule: AnyRule
    matching: BoolArray | None
    origin: Origin = "settings"

    @property
    def key(self) -> tuple[str, str]:
        """What tells it from all others."""
        return self.origin, self.rule.name

    @property
    def stage(self) -> int:
        """When it is applied; rules of one stage are, in the order in which they are written."""
        rule = self.rule
        if isinstance(rule, Boost | Bury):
            return PLACES if rule.factor is None else FACTORS
        return _ORDER.index(rule.kind)

    def of(self, tracks: IntArray) -> BoolArray:
        """Return which of the given tracks it is about, shape (m,)."""
        if self.matching is None:
            return np.ones(tracks.size, bool)
        return self.matching[tracks]
