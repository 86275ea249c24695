"""What listeners do with what they hear: listen, skip, like, dislike, hide."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from data.sample.plays import Plays
from data.sample.sessions import Sessions
from data.sample.tastes import FloatArray, IntArray, Tastes

_HIDE = 0.2  # share of dislikes
_OFF_STYLE = -1.5  # liking that a track loses where none of the user's styles is its own


@dataclass(frozen=True)
class Events:
    """What happened, by time.

    Attributes
    ----------
    user, track : ndarray of int64, shape (n,)
    event : ndarray of str, shape (n,)
        Of `data.interactions.EVENTS`.
    at : ndarray of int64, shape (n,)
        Unix seconds.
    played_ms : ndarray of int64, shape (n,)
        -1 where nothing was played.
    """

    user: IntArray
    track: IntArray
    event: npt.NDArray[np.str_]
    at: IntArray
    played_ms: IntArray


def react(tastes: Tastes, plays: Plays, *, duration_ms: int, rng: np.random.Generator) -> Events:
    """Draw what users do at each play.

    Parameters
    ----------
    tastes : Tastes
    plays : Plays
    duration_ms : int
        Length of a track.
    rng : Generator

    Returns
    -------
    Events
        At most one opinion (like, dislike or hide) of a user on a track, and no play of a track
        after the user disliked or hid it.
    """
    user, track = plays.sessions.user, plays.track
    liking = enjoyment(tastes, user, track)
    skipped = rng.random(user.size) < 0.02 + 0.4 / (1.0 + np.exp(1.2 * liking - 0.3))
    share = np.where(skipped, rng.uniform(0.02, 0.2, user.size), rng.uniform(0.7, 1.0, user.size))
    played = np.maximum(1, (share * duration_ms).astype(np.int64))
    at = _clock(plays.sessions, played, rng)
    kind = np.where(skipped, "skip", "listen")
    opinion = _opinions(liking, skipped, rng)
    voiced = _first_only(user, track, np.flatnonzero(opinion != ""), size=tastes.popularity.size)
    kept = _before_dislike(tastes, user, track, at=at, opinion=opinion, voiced=voiced)
    voiced = voiced[kept[voiced]]
    return _by_time(
        np.append(user[kept], user[voiced]),
        np.append(track[kept], track[voiced]),
        event=np.append(kind[kept], opinion[voiced]),
        at=np.append(at[kept], at[voiced] + 1 + played[voiced] // 1000),
        played_ms=np.append(played[kept], np.full(voiced.size, -1)),
    )


def enjoyment(tastes: Tastes, user: IntArray, track: IntArray) -> FloatArray:
    """Return how much each play pleases, shape (n,): liking, less what another style costs."""
    used = tastes.style_weights[user] > 0
    style = ((tastes.user_styles[user] == tastes.track_style[track][:, None]) & used).any(axis=1)
    return tastes.liking(user, track) + np.where(style, 0.0, _OFF_STYLE)


def _clock(sessions: Sessions, played: IntArray, rng: np.random.Generator) -> IntArray:
    # Each track starts when the one before it in the session has ended, a moment later.
    length = played // 1000 + rng.integers(1, 6, played.size)
    total = np.cumsum(length) - length
    opens = np.flatnonzero(sessions.first())
    sizes = np.diff(np.append(opens, played.size))
    return np.asarray(sessions.start + total - np.repeat(total[opens], sizes))


def _opinions(
    liking: FloatArray, skipped: npt.NDArray[np.bool_], rng: np.random.Generator
) -> npt.NDArray[np.str_]:
    like = ~skipped & (rng.random(liking.size) < 0.15 / (1.0 + np.exp(2.5 - liking)))
    dislike = skipped & (rng.random(liking.size) < 0.25 / (1.0 + np.exp(1.0 + liking)))
    hide = rng.random(liking.size) < _HIDE
    return np.select([like, dislike & hide, dislike], ["like", "hide", "dislike"], "")


def _first_only(user: IntArray, track: IntArray, rows: IntArray, *, size: int) -> IntArray:
    _, first = np.unique(user[rows] * size + track[rows], return_index=True)
    return np.sort(rows[first])


def _before_dislike(
    tastes: Tastes,
    user: IntArray,
    track: IntArray,
    *,
    at: IntArray,
    opinion: npt.NDArray[np.str_],
    voiced: IntArray,
) -> npt.NDArray[np.bool_]:
    against = voiced[opinion[voiced] != "like"]
    key = user * tastes.popularity.size + track
    order = np.argsort(key[against])
    against = against[order]
    if not against.size:
        return np.ones(user.size, dtype=bool)
    found = np.minimum(np.searchsorted(key[against], key), against.size - 1)
    disliked = key[against][found] == key
    return np.asarray(~(disliked & (at > at[against][found])))


def _by_time(
    user: IntArray,
    track: IntArray,
    *,
    event: npt.NDArray[np.str_],
    at: IntArray,
    played_ms: IntArray,
) -> Events:
    order = np.lexsort((event, track, user, at))
    return Events(user[order], track[order], event[order], at[order], played_ms[order])
