"""A year of listening, drawn from known tastes over any catalogue."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from data.checks import check_positive
from data.errors import ParameterError
from data.sample.plays import draw_plays
from data.sample.reactions import Events, react
from data.sample.sessions import draw_sessions
from data.sample.tastes import IntArray, Tastes, draw_tastes


def simulate_listens(
    tracks: pd.DataFrame,
    *,
    users: int = 400,
    timbre: npt.NDArray[np.floating] | None = None,
    rng: np.random.Generator,
    tastes: Tastes | None = None,
    events: float = 60.0,
    duration_ms: int = 180_000,
) -> pd.DataFrame:
    """Simulate the listening of users with known tastes.

    Users listen in sessions of one style; within it they prefer favourite artists, timbres in
    their direction and popular tracks, and return to what they played. They skip what they don't
    like, and like or dislike some. About 5% of the tracks, with one or two whole artists among
    them where artists are small enough, are played by nobody.

    Parameters
    ----------
    tracks : DataFrame
        `track_id`, and optionally `artist`, `genre` and `released_at` (ISO date; nobody plays a
        track before).
    users : int
    timbre : ndarray of shape (n, d), optional
        One vector a track.
    rng : Generator
    tastes : Tastes, optional
        By default drawn with `draw_tastes` and the same generator, first of all. Where given, it
        says how many users there are, and `users` and `timbre` are not looked at.
    events : float
        Plays of a user, on average.
    duration_ms : int
        Length of a track.

    Returns
    -------
    DataFrame
        The columns of a listens file, one row an event, by time: `event_id`, `user_id`,
        `track_id`, `event`, `listened_at` (ISO 8601, UTC, in 2024) and `played_ms` (missing for a
        like, a dislike and a hide). The ids of events differ from one generator to the next.

    Raises
    ------
    ParameterError
        If a number is not above zero, a date is none, or timbre or tastes don't fit the tracks.

    Examples
    --------
    >>> tracks = pd.DataFrame({"track_id": list("abcd"), "genre": ["x", "x", "y", "y"]})
    >>> listens = simulate_listens(tracks, users=3, rng=np.random.default_rng(0))
    >>> sorted(set(listens["user_id"]))
    ['listener-0001', 'listener-0002', 'listener-0003']
    """
    check_positive("events", events)
    check_positive("duration_ms", duration_ms, integer=True)
    if tastes is None:
        tastes = draw_tastes(tracks, users=users, timbre=timbre, rng=rng)
    if tastes.popularity.size != len(tracks):
        raise ParameterError(
            f"`tastes` must be over {len(tracks)} tracks. Received: {tastes.popularity.size}."
        )
    released = released_seconds(tracks)
    plays = draw_plays(
        tastes, draw_sessions(tastes, rng, events=events), released=released, rng=rng
    )
    happened = react(tastes, plays, duration_ms=duration_ms, rng=rng)
    return _frame(tracks, happened, salt=int(rng.integers(1 << 32)), users=len(tastes))


def released_seconds(tracks: pd.DataFrame) -> IntArray:
    """Return when each track came out, Unix seconds, shape (n,); long ago where unknown.

    Raises
    ------
    ParameterError
        If a date is not an ISO date.
    """
    if "released_at" not in tracks:
        return np.full(len(tracks), np.iinfo(np.int64).min)
    given = tracks["released_at"].mask(tracks["released_at"] == "")
    dates = pd.to_datetime(given, format="ISO8601", utc=True, errors="coerce")
    bad = given.notna() & dates.isna()
    if bad.any():
        value = given[bad].iloc[0]
        raise ParameterError(f"`released_at` must be an ISO date. Received: {value!r}.")
    seconds = dates.to_numpy("datetime64[s]").astype(np.int64)
    return np.asarray(seconds)  # not a time is the least integer: long ago


def _frame(tracks: pd.DataFrame, happened: Events, *, salt: int, users: int) -> pd.DataFrame:
    width = max(4, len(str(users)))
    names = np.array([f"listener-{user + 1:0{width}d}" for user in range(users)], dtype=object)
    ids = tracks["track_id"].to_numpy(dtype=object)
    stamps = np.datetime_as_string(happened.at.astype("datetime64[s]"))
    played = pd.array(np.maximum(happened.played_ms, 0), dtype="Int64")
    played[happened.played_ms < 0] = pd.NA
    return pd.DataFrame(
        {
            "event_id": [f"sim-{salt:08x}-{n:07d}" for n in range(happened.at.size)],
            "user_id": names[happened.user],
            "track_id": ids[happened.track],
            "event": happened.event,
            "listened_at": [f"{stamp}Z" for stamp in stamps],
            "played_ms": played,
        }
    )
