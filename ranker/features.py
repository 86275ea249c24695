"""What the learned ranker looks at: one row of numbers a candidate, computed for all at once.

A value that is not known is NaN, for which the trees have a branch of their own. Each feature goes
by a signal, so that an answer can say how much sound, behaviour and popularity weighed, and some
may only speak one way (`monotone`): to like a track more since it fits a user's taste less would be
chance, not sense.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from data.history import History
from ranker.candidates import CandidatePool
from ranker.facts import TrackFacts

FloatVector = npt.NDArray[np.float32]
FloatMatrix = npt.NDArray[np.float32]
Columns = dict[str, npt.ArrayLike | None]


@dataclass(frozen=True)
class Feature:
    """One column.

    Attributes
    ----------
    name : str
    signal : {"sound", "behaviour", "popularity", "user"}
        What it goes by; "user" is the same for all candidates of a query.
    monotone : {0, 1}
        1 if the score must not fall as it rises.
    of_track : bool
        Whether it is the same whoever asks. Such columns are told apart coarsely: by many exact
        ones together, trees would know single tracks again, and learn what others think of these.
    """

    name: str
    signal: Literal["sound", "behaviour", "popularity", "user"]
    monotone: Literal[0, 1] = 0
    of_track: bool = False


FEATURES = (
    Feature("cf_score", "behaviour", 1),  # product of factors
    Feature("cf_share", "behaviour", 1),  # the same, to the best of the pool
    Feature("cf_rank", "behaviour", 1),  # 1 / rank in the list of `cf`, 0 outside of it
    Feature("cf_place", "behaviour", 1),  # -log rank, one behind the list outside of it
    Feature("neighbours_score", "behaviour", 1),
    Feature("neighbours_share", "behaviour", 1),
    Feature("neighbours_rank", "behaviour", 1),
    Feature("neighbours_place", "behaviour", 1),
    Feature("artist_share", "behaviour", 1),  # of the user's plays, those of the artist
    Feature("artist_tracks", "behaviour", 1),  # log(1 + the user's tracks of the artist)
    Feature("genre_share", "behaviour", 1),  # of the user's plays, those of its genres
    Feature("strength", "behaviour", of_track=True),  # length of the track's factor
    Feature("audio_score", "sound", 1),  # by all centres of taste
    Feature("audio_rank", "sound", 1),
    Feature("nearest_centre", "sound", 1),  # product with the nearest centre of taste
    Feature("nearest_play", "sound", 1),  # highest cosine to a played track
    Feature("nearest_plays", "sound", 1),  # mean of the three highest
    Feature("seeds_score", "sound", 1),  # highest cosine to the last plays
    Feature("cold_rank", "sound", 1),  # among tracks that nobody has played
    Feature("uncertainty", "sound", of_track=True),  # of what sound says of the factor
    Feature("listeners", "popularity", of_track=True),  # log(1 + listeners)
    Feature("loyalty", "popularity", of_track=True),  # log(plays per listener)
    Feature("popularity_gap", "popularity"),  # log listeners, less those of the user's tracks
    Feature("trend", "popularity", of_track=True),  # share of its listeners that are recent
    Feature("age", "popularity", of_track=True),  # days since its release
    Feature("copies", "popularity", of_track=True),  # tracks of the same recording
    Feature("user_tracks", "user"),  # log(1 + tracks of the user)
    Feature("user_plays", "user"),
    Feature("user_popularity", "user"),  # mean log listeners of the user's tracks
)
"""All columns, in their order."""

NAMES = tuple(feature.name for feature in FEATURES)

_LISTENERS = NAMES.index("listeners")


def unplayed(table: FloatMatrix) -> npt.NDArray[np.bool_]:
    """Return which rows are tracks that nobody has played, as far as is known; shape (m,)."""
    return np.asarray(table[:, _LISTENERS] == 0)


@dataclass(frozen=True, eq=False)
class Evidence:
    """What the signals say of the candidates of one query, each of shape (m,) and float32.

    NaN where a signal says nothing of a candidate, None where it says nothing at all.
    """

    cf: FloatVector | None = None
    neighbours: FloatVector | None = None
    audio: FloatVector | None = None
    seeds: FloatVector | None = None
    nearest_centre: FloatVector | None = None
    nearest_play: FloatVector | None = None
    nearest_plays: FloatVector | None = None


def feature_table(
    pool: CandidatePool, history: History, *, facts: TrackFacts, evidence: Evidence
) -> FloatMatrix:
    """Compute all features of all candidates.

    Parameters
    ----------
    pool : CandidatePool
        Of m candidates.
    history : History
        The user's.
    facts : TrackFacts
    evidence : Evidence
        Of the same candidates.

    Returns
    -------
    ndarray of float32, shape (m, len(FEATURES))
    """
    columns: Columns = {
        **_of_signals(pool, evidence),
        **_of_tracks(pool, facts),
        **_of_affinity(pool, history, facts),
    }
    table = np.full((len(pool.tracks), len(FEATURES)), np.nan, np.float32)
    for at, name in enumerate(NAMES):
        value = columns[name]
        if value is not None:
            table[:, at] = value
    return table


def _of_signals(pool: CandidatePool, evidence: Evidence) -> Columns:
    """Return the columns of scores and ranks."""
    return {
        "cf_score": evidence.cf,
        "cf_share": _to_best(evidence.cf),
        "cf_rank": _inverse_rank(pool, "cf"),
        "cf_place": _place(pool, "cf"),
        "neighbours_score": evidence.neighbours,
        "neighbours_share": _to_best(evidence.neighbours),
        "neighbours_rank": _inverse_rank(pool, "neighbours"),
        "neighbours_place": _place(pool, "neighbours"),
        "audio_score": evidence.audio,
        "audio_rank": _inverse_rank(pool, "audio"),
        "nearest_centre": evidence.nearest_centre,
        "nearest_play": evidence.nearest_play,
        "nearest_plays": evidence.nearest_plays,
        "seeds_score": evidence.seeds,
        "cold_rank": _inverse_rank(pool, "cold"),
    }


def _of_tracks(pool: CandidatePool, facts: TrackFacts) -> Columns:
    """Return the columns that are the same whoever asks."""
    tracks = pool.tracks
    listeners, plays = facts.listeners[tracks], facts.plays[tracks]
    recent = None if facts.recent is None else facts.recent[tracks]
    return {
        "strength": None if facts.strength is None else facts.strength[tracks],
        "uncertainty": None if facts.uncertainty is None else facts.uncertainty[tracks],
        "listeners": np.log1p(listeners),
        "loyalty": np.log(np.maximum(plays, 1) / np.maximum(listeners, 1)),
        "trend": None if recent is None else recent / np.maximum(listeners, 1),
        "age": np.float32(facts.today) - facts.released[tracks],
        "copies": facts.copies[tracks],
    }


def _of_affinity(pool: CandidatePool, history: History, facts: TrackFacts) -> Columns:
    """Return the columns of what the user played before."""
    weights = np.log1p(history.counts)
    shares = (weights / max(float(weights.sum()), 1e-9)).astype(np.float32)
    artists = facts.artists[pool.tracks]
    theirs = facts.artists[history.tracks]
    popularity = np.log1p(facts.listeners[history.tracks])
    usual = float(popularity.mean()) if popularity.size else np.nan
    return {
        "artist_share": _total_of(artists, theirs, shares),
        "artist_tracks": np.log1p(_total_of(artists, theirs, np.ones_like(shares))),
        "genre_share": _genre_share(pool, history, facts, shares),
        "user_tracks": float(np.log1p(history.tracks.size)),
        "user_plays": float(np.log1p(history.counts.sum())),
        "user_popularity": usual,
        "popularity_gap": np.log1p(facts.listeners[pool.tracks]) - usual,
    }


def _inverse_rank(pool: CandidatePool, source: str) -> FloatVector | None:
    if source not in pool.sources:
        return None
    ranks = pool.ranks[:, pool.sources.index(source)]
    return np.divide(1, ranks, out=np.zeros(len(ranks), np.float32), where=ranks > 0)


def _place(pool: CandidatePool, source: str) -> FloatVector | None:
    if source not in pool.sources:
        return None
    ranks = pool.ranks[:, pool.sources.index(source)]
    return -np.log(np.where(ranks > 0, ranks, ranks.max(initial=0) + 1)).astype(np.float32)


def _to_best(scores: FloatVector | None) -> FloatVector | None:
    """Return scores as shares of the best one; None where none is above 0."""
    if scores is None or not scores.size:
        return None
    best = np.nanmax(scores) if np.isfinite(scores).any() else 0
    return np.asarray(scores / best) if best > 0 else None


def _total_of(
    codes: npt.NDArray[np.int32], held: npt.NDArray[np.int32], values: FloatVector
) -> FloatVector:
    """Return the sum of the values held under each code, (m,); 0 for the code -1."""
    known = held >= 0
    distinct, at = np.unique(held[known], return_inverse=True)
    if not distinct.size:
        return np.zeros(len(codes), np.float32)
    totals = np.bincount(at, values[known]).astype(np.float32)
    found = np.minimum(np.searchsorted(distinct, codes), distinct.size - 1)
    return np.where(distinct[found] == codes, totals[found], np.float32(0))


def _genre_share(
    pool: CandidatePool, history: History, facts: TrackFacts, shares: FloatVector
) -> FloatVector | None:
    """Return the mean share of the user's plays that the genres of each candidate have."""
    if not facts.genres.shape[1]:
        return None
    taste = np.asarray(shares @ facts.genres[history.tracks]).ravel()  # (n_genres,)
    rows = facts.genres[pool.tracks]
    many = np.diff(rows.indptr)
    nothing = np.full(len(many), np.nan)
    mean: npt.NDArray[np.float64] = np.divide(rows @ taste, many, out=nothing, where=many > 0)
    return mean.astype(np.float32)
