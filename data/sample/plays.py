"""Which tracks are played in each session."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from data.sample.sessions import ANYTHING, Sessions
from data.sample.tastes import FloatArray, IntArray, Tastes

_REPEAT = 0.3  # share of plays that go back to a track that the user played in this mood
_OFF_STYLE = 0.03  # weight of a track of another style than the session's
_CELLS = 2_000_000  # weights held at once, so that memory stays bounded
_REDRAWS = 8  # of a track that was not out yet


@dataclass(frozen=True)
class Plays:
    """Sessions with their tracks.

    Attributes
    ----------
    sessions : Sessions
    track : ndarray of int64, shape (n,)
    """

    sessions: Sessions
    track: IntArray


def draw_plays(
    tastes: Tastes, sessions: Sessions, *, released: IntArray, rng: np.random.Generator
) -> Plays:
    """Draw a track for each play.

    Parameters
    ----------
    tastes : Tastes
    sessions : Sessions
    released : ndarray of int64, shape (n_tracks,)
        Unix seconds before which a track is not played.
    rng : Generator

    Returns
    -------
    Plays
        Plays for which nothing was out yet are left out.
    """
    fresh = np.full(len(sessions), -1, dtype=np.int64)
    block = max(1, _CELLS // ((ANYTHING + 1) * tastes.popularity.size))
    for first in range(0, len(tastes), block):
        users = np.arange(first, min(first + block, len(tastes)))
        rows = slice(*np.searchsorted(sessions.user, [users[0], users[-1] + 1]))
        fresh[rows] = _block(tastes, sessions, users, rows=rows, released=released, rng=rng)
    track = _returned(sessions, fresh, rng)
    kept = track >= 0
    columns = (sessions.user, sessions.session, sessions.mood, sessions.start)
    return Plays(Sessions(*(column[kept] for column in columns)), track[kept])


def mood_weights(tastes: Tastes, users: IntArray) -> FloatArray:
    """Return how likely users are to play each track, by mood.

    Parameters
    ----------
    tastes : Tastes
    users : ndarray of int64, shape (u,)

    Returns
    -------
    ndarray of float64, shape (u, 4, n_tracks)
        Rows sum to 1. The last mood, `ANYTHING`, looks at popularity only.
    """
    everything = np.arange(tastes.popularity.size)
    appeal = tastes.popularity * np.exp(tastes.liking(users[:, None], everything))
    match = tastes.user_styles[users][:, :, None] == tastes.track_style
    weights = appeal[:, None, :] * np.where(match, 1.0, _OFF_STYLE)
    popular = np.broadcast_to(tastes.popularity, (users.size, 1, everything.size))
    weights = np.concatenate([weights, popular], axis=1)
    return np.asarray(weights / weights.sum(axis=-1, keepdims=True))


def _block(
    tastes: Tastes,
    sessions: Sessions,
    users: IntArray,
    *,
    rows: slice,
    released: IntArray,
    rng: np.random.Generator,
) -> IntArray:
    # All distributions behind each other: number r fills the interval from r to r + 1, so that one
    # search draws for every play.
    tracks = tastes.popularity.size
    ends = mood_weights(tastes, users).cumsum(axis=-1).reshape(-1, tracks)
    ends = (ends / ends[:, -1:] + np.arange(len(ends))[:, None]).ravel()
    row = (sessions.user[rows] - users[0]) * (ANYTHING + 1) + sessions.mood[rows]
    track, open_ = np.full(row.size, -1, dtype=np.int64), np.arange(row.size)
    for _ in range(_REDRAWS):
        at = np.searchsorted(ends, row[open_] + rng.random(open_.size), side="right")
        drawn = np.clip(at - row[open_] * tracks, 0, tracks - 1)
        out = released[drawn] <= sessions.start[rows][open_]
        track[open_[out]] = drawn[out]
        open_ = open_[~out]
    return track


def _returned(sessions: Sessions, fresh: IntArray, rng: np.random.Generator) -> IntArray:
    """Turn some plays into returns to an earlier play of the same user in the same mood."""
    group = sessions.user * (ANYTHING + 1) + sessions.mood
    order = np.argsort(group, kind="stable")  # keeps time within a group
    position = np.arange(group.size)
    first = np.searchsorted(group[order], group[order])  # where each group begins
    before = position - first
    back = (rng.random(group.size) < _REPEAT) & (before > 0)
    source = np.where(back, first + (rng.random(group.size) * before).astype(np.int64), position)
    while (source != source[source]).any():  # a return to a return
        source = source[source]
    track = np.empty_like(fresh)
    track[order] = fresh[order][source]
    again = np.append(False, (track[1:] == track[:-1]) & ~sessions.first()[1:])
    return np.where(again, fresh, track)
