"""Quotas as limits: how many matching tracks may, or must, take the first places."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ranker.candidates import BoolArray
from ranker.rules.kinds import Quota
from ranker.rules.limits import Pins


class AtMostLimit:
    """At most so many matching tracks in the first places.

    Parameters
    ----------
    matching : ndarray of bool, shape (m,)
    most, first : int
    pins : mapping of int to int
        Count from the beginning.
    """

    def __init__(self, matching: BoolArray, most: int, *, first: int, pins: Pins) -> None:
        self._matching, self._left, self._first = matching, most, first
        self._others = ~matching
        for place, at in pins.items():
            self.took(place, at)

    def allowed(self, place: int, part: slice) -> BoolArray | None:
        """Return the tracks that don't match, once enough do."""
        return self._others[part] if self._left <= 0 and place < self._first else None

    def took(self, place: int, at: int) -> None:
        """Count a matching track."""
        self._left -= bool(self._matching[at]) and place < self._first


@dataclass
class _Need:
    matching: BoolArray
    left: int
    first: int


class AtLeastLimit:
    """At least so many matching tracks in the first places, of one or several quotas.

    Others stand in front as long as the places behind them suffice: a quota takes the last places
    that it can have, so that no track moves further than it must.

    Parameters
    ----------
    quotas : sequence of (ndarray of bool (m,), int, int)
        Which candidates match, how many are needed, and in how many first places.
    n : int
        Places in all.
    pins : mapping of int to int
        Count from the beginning.
    """

    def __init__(self, quotas: Sequence[tuple[BoolArray, int, int]], *, n: int, pins: Pins) -> None:
        self._needs = [_Need(*quota) for quota in quotas]
        taken = np.isin(np.arange(n), list(pins))
        self._open = np.concatenate([[0], np.cumsum(~taken)])  # places not pinned, before each
        for place, at in pins.items():
            self.took(place, at)

    def allowed(self, place: int, part: slice) -> BoolArray | None:
        """Return the matching tracks, where the places left are only just enough for them."""
        wanting = [need for need in self._needs if need.left > 0 and place < need.first]
        for end in sorted({need.first for need in wanting}):
            due = [need for need in wanting if need.first <= end]
            if sum(need.left for need in due) >= self._open[end] - self._open[place]:
                ok = due[0].matching[part]
                for need in due[1:]:
                    ok = ok | need.matching[part]
                return ok
        return None

    def took(self, place: int, at: int) -> None:
        """Count a track for every quota that it matches."""
        for need in self._needs:
            need.left -= bool(need.matching[at]) and place < need.first


def quota_bounds(rule: Quota, length: int) -> tuple[int, int, int]:
    """Return what a quota means for an answer of some length.

    Returns
    -------
    tuple of int
        At least, at most, and in how many first places.
    """
    first = length if rule.first is None else min(rule.first, length)
    # Rounded, so that a third of three is one whatever float makes of it.
    least = math.ceil(round((rule.at_least_share or 0) * first, 9))
    most = first
    if rule.at_most_share is not None:
        most = math.floor(round(rule.at_most_share * first, 9))
    least = least if rule.at_least is None else rule.at_least
    most = most if rule.at_most is None else rule.at_most
    return min(least, first), most, first
