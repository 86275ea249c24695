"""What the rules did to one answer, noted step by step where somebody asks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from ranker.candidates import BoolArray, IntArray
from ranker.rules.kinds import Boost, Pin, Quota
from ranker.rules.ruled import Ruled

Places = npt.NDArray[np.int64]

DIVERSITY = "diversity"
"""The name of the step that varies an answer by sound."""

_NOWHERE = np.iinfo(np.int64).max


@dataclass(frozen=True)
class Move:
    """A track that a rule moved.

    Attributes
    ----------
    track : int
    before, after : int or None
        Its place in the order, from 1. None before: it had not been proposed. None after: it is
        no longer in the answer.
    """

    track: int
    before: int | None
    after: int | None


@dataclass(frozen=True, eq=False)
class Step:
    """What one rule, or diversity, did to an order.

    Attributes
    ----------
    ruled : Ruled or None
        None for diversity.
    before, after : ndarray of int32
        Tracks in their order.
    standing_by : ndarray of int32
        Tracks of `before` that nobody had proposed; they only stood by, to fill the answer.
    """

    ruled: Ruled | None
    before: IntArray
    after: IntArray
    standing_by: IntArray = field(default_factory=lambda: np.empty(0, np.int32))

    @property
    def name(self) -> str:
        """The name of the rule."""
        return DIVERSITY if self.ruled is None else self.ruled.rule.name


@dataclass(eq=False)
class Trace:
    """What the rules did to one answer.

    Attributes
    ----------
    removed : list of (Ruled, ndarray of int32)
        What each filter took out of what those before it had left.
    steps : list of Step
        In the order in which they were taken.
    """

    removed: list[tuple[Ruled, IntArray]] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)


def moves_of(step: Step, n: int) -> list[Move]:
    """Return which tracks a step moved, brought into the first `n`, or put out of them."""
    tracks, before, after = _places(step, n)
    own = _moved_by_itself(step, tracks, before=before, after=after)
    told = np.flatnonzero(own | ((before <= n) != (after <= n)))
    told = told[np.lexsort((before[told], after[told]))]
    nowhere = (before == _NOWHERE) | ((before > n) & np.isin(tracks, step.standing_by))
    return [
        Move(
            int(tracks[at]),
            None if nowhere[at] else int(before[at]),
            int(after[at]) if after[at] <= n else None,
        )
        for at in told.tolist()
    ]


def moved_by(steps: Sequence[Step], tracks: IntArray, n: int) -> list[str | None]:
    """Return for each track of an answer the last rule that moved it or brought it in."""
    names: dict[int, str] = {}
    for step in steps:
        seen, before, after = _places(step, n)
        own = _moved_by_itself(step, seen, before=before, after=after)
        brought_in = (before > n) & (after <= n)
        names |= dict.fromkeys(seen[own | brought_in].tolist(), step.name)
    return [names.get(track) for track in tracks.tolist()]


def _places(step: Step, n: int) -> tuple[IntArray, Places, Places]:
    """Return the tracks of the first `n` before or after, and their places, from 1."""
    tracks = np.union1d(step.before[:n], step.after[:n])
    return tracks, _find(step.before, tracks), _find(step.after, tracks)


def _find(order: IntArray, tracks: IntArray) -> Places:
    """Return the place from 1 of each track in an order of distinct tracks."""
    by_track = np.argsort(order, kind="stable")
    at = np.minimum(np.searchsorted(order, tracks, sorter=by_track), max(order.size - 1, 0))
    if not order.size:
        return np.full(tracks.size, _NOWHERE)
    found = by_track[at]
    return np.where(order[found] == tracks, found + 1, _NOWHERE)


def _moved_by_itself(step: Step, tracks: IntArray, *, before: Places, after: Places) -> BoolArray:
    """Return which tracks a rule means to move, and did; the others only made or took room."""
    if step.ruled is None:
        return np.zeros(tracks.size, bool)
    matching, rule = step.ruled.of(tracks), step.ruled.rule
    if isinstance(rule, Boost):
        changed = after < before
    elif isinstance(rule, Pin | Quota):
        changed = after != before
    else:  # what buries, caps and spaces
        changed = after > before
    return np.asarray(matching & changed)
