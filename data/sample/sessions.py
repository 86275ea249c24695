"""When listeners listen, and in what mood."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from data.sample.dates import LISTENING_FROM, LISTENING_TO
from data.sample.tastes import STYLES_OF_A_USER, FloatArray, IntArray, Tastes

ANYTHING = STYLES_OF_A_USER
"""The mood of a session without a style."""

DAY = 86_400

_TRACKS = 6.0  # of a session, on average
_FEWEST = 3  # plays of a user
_ANYTHING = 0.06  # share of sessions without a style
_LATECOMERS = 0.3  # share of users who join in the course of the year


@dataclass(frozen=True)
class Sessions:
    """One row a play, by user and time.

    Attributes
    ----------
    user : ndarray of int64, shape (n,)
    session : ndarray of int64, shape (n,)
        Ascending; no two users share one.
    mood : ndarray of int64, shape (n,)
        Which of the user's styles, or `ANYTHING`.
    start : ndarray of int64, shape (n,)
        Unix seconds at which the session began.
    """

    user: IntArray
    session: IntArray
    mood: IntArray
    start: IntArray

    def __len__(self) -> int:
        return int(self.user.size)

    def first(self) -> npt.NDArray[np.bool_]:
        """Return which plays open a session, shape (n,)."""
        return np.append(True, np.diff(self.session) != 0) if len(self) else np.zeros(0, bool)


def draw_sessions(tastes: Tastes, rng: np.random.Generator, *, events: float) -> Sessions:
    """Draw the sessions of all users.

    Parameters
    ----------
    tastes : Tastes
    rng : Generator
    events : float
        Plays of a user, on average; some users play many times more than others.
    """
    users = len(tastes)
    plays = _FEWEST + rng.poisson(rng.gamma(1.6, max(events - _FEWEST, 0.0) / 1.6, users))
    counts = np.maximum(1, np.ceil(plays / _TRACKS).astype(np.int64))
    owner = np.repeat(np.arange(users), counts)
    start = _starts(owner, rng, users=users)
    order = np.lexsort((start, owner))
    start, mood = start[order], _moods(tastes, owner, rng)
    user = np.repeat(np.arange(users), plays)
    offset = np.cumsum(counts) - counts
    session = np.sort(offset[user] + (rng.random(user.size) * counts[user]).astype(np.int64))
    return Sessions(user, session, mood[session], start[session])


def _starts(owner: IntArray, rng: np.random.Generator, *, users: int) -> IntArray:
    begin = int(LISTENING_FROM.timestamp())
    days = (LISTENING_TO - LISTENING_FROM).days - 1
    joined = rng.uniform(0.0, 0.8 * days, users) * (rng.random(users) < _LATECOMERS)
    day = np.floor(joined[owner] + rng.random(owner.size) * (days - joined[owner]))
    # Mornings and evenings; a user's usual hour is the user's own.
    usual = np.where(rng.random(users) < 0.3, 8.0, 20.0) + rng.normal(0.0, 1.5, users)
    hour = (usual[owner] + rng.normal(0.0, 2.0, owner.size)) % 24
    return np.asarray(begin + day * DAY + hour * 3600, dtype=np.int64)


def _moods(tastes: Tastes, owner: IntArray, rng: np.random.Generator) -> IntArray:
    ends: FloatArray = tastes.style_weights.cumsum(axis=1)[owner, :-1]
    mood = (rng.random((owner.size, 1)) > ends).sum(axis=1)
    return np.where(rng.random(owner.size) < _ANYTHING, ANYTHING, mood)
