"""Retrieval by cosine: whether what sounds nearest is by the same artist, or of the same genre.

Every item that is not barred is a candidate. Similarities are rounded to 9 decimals, so that
rounding doesn't order what is equal; ties stand in an order drawn by the seed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

MEASURES = ("hit@1", "p@5", "map")
"""The columns of `retrieval_scores`."""

_DEPTH = 5
_BLOCK = 4_000_000  # similarities sorted at once: 32 MB an array


def retrieval_scores(
    vectors: npt.NDArray[np.floating],
    artists: IntArray,
    *,
    asked: IntArray | None = None,
    tracks: IntArray | None = None,
    albums: IntArray | None = None,
    seed: int = 0,
) -> tuple[IntArray, FloatArray]:
    """Score the retrieval of items of the same artist, each asked item in turn.

    With `hit_i` 1 where the candidate at rank `i` is of the query's artist and `r` the number of
    such candidates: hit@1 is `hit_1`; P@5 is `Σ_{i≤5} hit_i / 5`, so below 1 where r < 5; average
    precision is `Σ_i hit_i · precision@i / r` over all ranks (Manning, Raghavan, Schütze,
    "Introduction to Information Retrieval", 2008, section 8.4).

    Parameters
    ----------
    vectors : ndarray, shape (n, d)
        Of all items. Any length; a row of zeros is as far from all.
    artists : ndarray of int64, shape (n,)
        -1 for an unknown artist: such an item is a candidate that is never right.
    asked : ndarray of int64, shape (a,), optional
        Items to ask for, of known artist; by default all of known artist.
    tracks : ndarray of int64, shape (n,), optional
        Items of the query's track are no candidates. By default each item is a track.
    albums : ndarray of int64, shape (n,), optional
        If given, items of the query's album are no candidates either.
    seed : int
        Of the order of ties.

    Returns
    -------
    queries : ndarray of int64, shape (q,)
        The asked items that have something to be found; which depends on the labels only.
    scores : ndarray of float64, shape (q, 3)
        `MEASURES` of each.
    """
    asked = np.flatnonzero(artists >= 0) if asked is None else asked
    tracks = np.arange(len(artists)) if tracks is None else tracks

    def barred(rows: IntArray) -> BoolArray:
        same: BoolArray = tracks[rows, np.newaxis] == tracks
        if albums is not None:
            same |= albums[rows, np.newaxis] == albums
        return same

    queries, scores = [np.empty(0, np.int64)], [np.empty((0, len(MEASURES)))]
    for rows, order, candidates in _rankings(vectors, asked, barred, seed=seed):
        hits = (artists[order] == artists[rows, np.newaxis]) & candidates
        found = hits.any(axis=1)
        queries.append(rows[found])
        scores.append(_score(hits[found].astype(np.float64)))
    return np.concatenate(queries), np.concatenate(scores)


def _score(hits: FloatArray) -> FloatArray:
    """Return `MEASURES` of ranked hits (0 or 1) of shape (q, n), at least one a row."""
    precision = np.cumsum(hits, axis=1) / np.arange(1, hits.shape[1] + 1)
    average = (hits * precision).sum(axis=1) / hits.sum(axis=1)
    return np.column_stack([hits[:, 0], hits[:, :_DEPTH].sum(axis=1) / _DEPTH, average])


def genre_accuracy(
    vectors: npt.NDArray[np.floating],
    genres: BoolArray,
    *,
    asked: IntArray | None = None,
    artists: IntArray | None = None,
    k: int = 5,
    seed: int = 0,
) -> tuple[IntArray, FloatArray]:
    """Score the genre that most of the `k` nearest neighbours have.

    Of genres with equal votes, the one of the nearer neighbours is taken; of genres that the same
    neighbours have, the first.

    Parameters
    ----------
    vectors : ndarray, shape (n, d)
    genres : ndarray of bool, shape (n, g)
        Which genres each track has, at least one; each of a neighbour's genres gets its vote.
    asked : ndarray of int64, shape (a,), optional
        Tracks to ask for; by default all.
    artists : ndarray of int64, shape (n,), optional
        If given, tracks of the query's artist are no neighbours, nor those of unknown artist (-1).
    k : int
        Neighbours that vote.
    seed : int
        Of the order of ties.

    Returns
    -------
    queries : ndarray of int64, shape (q,)
        The asked tracks that share a genre with a candidate; the others cannot be guessed.
    scores : ndarray of float64, shape (q, 1)
        1 where the guess is one of the track's genres.
    """
    everyone = np.arange(len(genres))
    asked = everyone if asked is None else asked
    owners = everyone if artists is None else artists

    def barred(rows: IntArray) -> BoolArray:
        same: BoolArray = (owners[rows, np.newaxis] == owners) | (owners < 0)
        return same

    queries, scores = [np.empty(0, np.int64)], [np.empty((0, 1))]
    votes = genres.astype(np.float32)
    for rows, order, candidates in _rankings(vectors, asked, barred, seed=seed):
        nearest, voting = order[:, :k], candidates[:, :k, np.newaxis]
        # The halves of a vote by rank sum to less than one, so they only part equal votes.
        weights = 1 + 0.5 ** np.arange(1, nearest.shape[1] + 1)[:, np.newaxis]
        guess = (genres[nearest] * voting * weights).sum(axis=1).argmax(axis=1)
        known = ((votes[rows] @ votes.T > 0) & ~barred(rows)).any(axis=1)
        queries.append(rows[known])
        scores.append(genres[rows, guess][known].astype(np.float64)[:, np.newaxis])
    return np.concatenate(queries), np.concatenate(scores)


def unit_length(vectors: npt.NDArray[np.floating]) -> FloatArray:
    """Return the rows scaled to length 1, in float64; rows of zeros stay."""
    rows = np.asarray(vectors, np.float64)
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    unit: FloatArray = np.divide(rows, lengths, out=np.zeros_like(rows), where=lengths > 0)
    return unit


def _rankings(
    vectors: npt.NDArray[np.floating],
    asked: IntArray,
    barred: Callable[[IntArray], BoolArray],
    *,
    seed: int,
) -> Iterator[tuple[IntArray, IntArray, BoolArray]]:
    """Yield, for blocks of the asked: their rows, all items ranked, and which are candidates.

    Barred items stand behind all candidates.
    """
    n = len(vectors)
    if n == 0 or len(asked) == 0:
        return
    shuffled = np.random.default_rng(seed).permutation(n)
    unit = unit_length(vectors)
    for rows in np.array_split(asked, max(1, -(-len(asked) * n // _BLOCK))):
        similarity = np.round(unit[rows] @ unit.T, 9)
        similarity[barred(rows)] = -np.inf
        ties = np.argsort(-similarity[:, shuffled], axis=1, kind="stable")
        order = shuffled[ties]
        candidates = np.take_along_axis(similarity, order, axis=1) > -np.inf
        yield rows, order, candidates
