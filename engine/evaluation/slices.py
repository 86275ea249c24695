"""Parts of a test that are looked at by themselves.

activity    thirds of the *users* by their number of known tracks: light, medium, heavy. All of
            their targets count.
popularity  parts of the *targets* by their listeners in the training part: cold (none), tail, mid,
            head. The last three are cut so that the tracks of each have about a third of all
            listeners (pairs of user and track) of the training part.

In a slice of popularity the lists stay what they are, ranked among all eligible tracks. Only the
slice's tracks count as hits and in the number of targets; users without a target in it are not
part of it. So a system that puts unknown tracks first for everybody does well in `cold`, and badly
elsewhere. Who orders a slice's tracks best is asked as well: there, by `ALONE`, lists hold none but
these.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

IntVector = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

ACTIVITY = ("light", "medium", "heavy")
POPULARITY = ("tail", "mid", "head")
COLD = "cold"
ALONE = "popularity, each alone"
"""Slices of popularity whose lists hold none but the slice's own tracks."""


@dataclass(frozen=True)
class Part:
    """Some users, and which of their targets count.

    Attributes
    ----------
    by : str
        "activity", "popularity" or `ALONE`.
    name : str
    span : tuple of int
        Least and greatest number of known tracks (activity) or of listeners (popularity).
    users : ndarray of int64, shape (p,)
        Rows of the task.
    relevant : ndarray of int64, shape (p,)
        Number of the targets that count, above zero.
    tracks : ndarray of bool, shape (t,), optional
        The tracks that count as targets; None for all.
    """

    by: str
    name: str
    span: tuple[int, int]
    users: IntVector
    relevant: IntVector
    tracks: Bools | None = None


def by_activity(known: IntVector, targets: IntVector) -> list[Part]:
    """Cut users into thirds by their number of known tracks.

    Parameters
    ----------
    known : ndarray of int64, shape (m,)
        Known tracks of each user. Users with equal numbers stay together, so that thirds may
        differ in size, and one that has no user is left out.
    targets : ndarray of int64, shape (m,)
        Held-out tracks of each user.
    """
    third = _thirds(known, known)
    members = ((name, np.flatnonzero(third == i)) for i, name in enumerate(ACTIVITY))
    return [
        Part("activity", name, _span(known[users]), users, targets[users])
        for name, users in members
        if users.size
    ]


def by_popularity(held_out: sp.csr_matrix, listeners: IntVector) -> list[Part]:
    """Cut targets by their listeners in the training part.

    Parameters
    ----------
    held_out : csr_matrix of bool, shape (m, t)
        The targets.
    listeners : ndarray of int64, shape (t,)
        Distinct training users of each track. Tracks with equal numbers stay together; a part
        without a target is left out.
    """
    played = listeners[listeners > 0]
    third = _thirds(listeners, np.repeat(played, played))
    masks = {COLD: listeners == 0}
    masks |= {name: (third == i) & (listeners > 0) for i, name in enumerate(POPULARITY)}
    parts = []
    for name, tracks in masks.items():
        relevant = np.bincount(held_out.nonzero()[0], tracks[held_out.nonzero()[1]])
        users = np.flatnonzero(relevant)
        if users.size:
            counts = relevant[users].astype(np.int64)
            parts.append(Part("popularity", name, _span(listeners[tracks]), users, counts, tracks))
    return parts


def alone(parts: Sequence[Part], candidates: npt.NDArray[np.int32]) -> list[Part]:
    """Return the slices of popularity that are to be ranked by themselves.

    Parameters
    ----------
    parts : sequence of Part
    candidates : ndarray of int32, shape (e,)
        The eligible tracks. A slice that holds them all is left out: it has its figures already.
    """
    return [
        replace(part, by=ALONE)
        for part in parts
        if part.tracks is not None and not part.tracks[candidates].all()
    ]


def _thirds(values: IntVector, weighed: IntVector) -> IntVector:
    """Return in which third each value is, from 0, the bounds being those of `weighed`."""
    if not weighed.size:
        return np.zeros(len(values), np.int64)
    bounds = np.quantile(weighed, [1 / 3, 2 / 3])
    return np.asarray(np.searchsorted(bounds, values, side="left"))


def _span(values: Sequence[int] | IntVector) -> tuple[int, int]:
    return int(np.min(values)), int(np.max(values))
