"""From scores to order, for a block of users at a time, with ties settled fairly.

A score and a tie-break are packed into one 64-bit key, so that one (SIMD) sort or partition of
integers gives an order that depends on nothing but the scores, the tie-breaks and the seed.

Ties. The lower column comes first, counted cyclically from a start that differs from user to
user. With the columns in a seeded random order (see `protocols.Task`), a system whose scores are
constant thus answers each user with another random list: neither the order of ids in a file, nor
one lucky list for everybody, can pass for knowledge.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import numpy.typing as npt

FloatBlock = npt.NDArray[np.float32]
IntBlock = npt.NDArray[np.int32]
IntVector = npt.NDArray[np.int64]

NONE = -1
"""Stands in a list for "no track left"."""

_LOW = np.uint64(0xFFFFFFFF)
_SHIFT = np.uint64(32)
_LAST = np.uint64(0xFFFFFFFFFFFFFFFF)
_FEW = 8  # times the length of the list
_THREADS = min(4, len(os.sched_getaffinity(0)))


def top_k(scores: FloatBlock, k: int, *, start: IntVector | None = None) -> IntBlock:
    """Return each row's `k` best columns, best first.

    Parameters
    ----------
    scores : ndarray of float32, shape (b, e)
        Not NaN. Columns of minus infinity are never returned.
    k : int
        Length of the lists.
    start : ndarray of int64, shape (b,), optional
        Column from which ties are counted, by row; by default the first.

    Returns
    -------
    ndarray of int32, shape (b, k)
        Columns; `NONE` where a row has no more.
    """
    rows, width = scores.shape
    best = np.full((rows, k), NONE, np.int32)
    depth = min(k, width)
    if not depth:
        return best
    # Scores alone are half the bytes of keys: few columns are left for which keys are made.
    least = np.partition(scores, width - depth, axis=1)[:, width - depth, np.newaxis]
    left = scores >= least
    tied = np.count_nonzero(left, axis=1) > _FEW * depth
    for some, masked in ((np.flatnonzero(~tied), True), (np.flatnonzero(tied), False)):
        if some.size:
            begin = None if start is None else start[some]
            kept = left[some] if masked else None
            best[some, :depth] = _top(scores[some], kept, depth, start=begin)
    return best


def _top(
    scores: FloatBlock, left: npt.NDArray[np.bool_] | None, depth: int, *, start: IntVector | None
) -> IntBlock:
    """Return each row's best columns, of those that are left (at least `depth`), or of all."""
    keys = _keys(scores, start) if left is None else _keys_of(scores, left, start)
    if depth < keys.shape[1]:
        keys = np.partition(keys, depth - 1, axis=1)[:, :depth]
    keys.sort(axis=1)
    columns = _columns(keys, start, scores.shape[1])
    answered = np.take_along_axis(scores, columns, axis=1) > -np.inf
    return np.where(answered, columns, NONE).astype(np.int32)


def ranks(scores: FloatBlock, *, start: IntVector | None = None) -> IntBlock:
    """Return each column's rank in its row, from 1; 0 where the score is minus infinity.

    Parameters
    ----------
    scores : ndarray of float32, shape (b, e)
        Not NaN.
    start : ndarray of int64, shape (b,), optional
        As in `top_k`.

    Returns
    -------
    ndarray of int32, shape (b, e)
    """
    ranked = np.empty(scores.shape, np.int32)

    def fill(rows: slice) -> None:
        _fill_ranks(ranked[rows], scores[rows], None if start is None else start[rows])

    step = max(1, -(-len(scores) // _THREADS))
    parts = [slice(first, first + step) for first in range(0, len(scores), step)]
    with ThreadPoolExecutor(_THREADS) as pool:  # a sort of numbers lets other threads run
        list(pool.map(fill, parts))
    return ranked


def _fill_ranks(ranked: IntBlock, scores: FloatBlock, start: IntVector | None) -> None:
    keys = _keys(scores, start)
    keys.sort(axis=1)
    columns = _columns(keys, start, scores.shape[1])
    places = np.arange(1, scores.shape[1] + 1, dtype=np.int32)
    for row, order in zip(ranked, columns, strict=True):  # faster than one scatter over the block
        row[order] = places
    ranked[scores == -np.inf] = 0


def _keys(scores: FloatBlock, start: IntVector | None) -> npt.NDArray[np.uint64]:
    """Pack (score descending, tie-break ascending) into integers that sort ascending."""
    return _descending(scores) | _ties(scores.shape[1], start)


def _keys_of(
    scores: FloatBlock, left: npt.NDArray[np.bool_], start: IntVector | None
) -> npt.NDArray[np.uint64]:
    """Return the keys of some columns, shape (b, the most in a row); `_LAST` fills short rows."""
    width = scores.shape[1]
    row, column = np.divmod(np.flatnonzero(left), width)
    counts = np.count_nonzero(left, axis=1)
    place = np.arange(len(row)) - np.repeat(np.cumsum(counts) - counts, counts)
    ties = column if start is None else (column - start[row]) % width
    keys = np.full((len(scores), counts.max()), _LAST)
    keys[row, place] = _descending(scores[row, column]) | ties.astype(np.uint64)
    return keys


def _descending(scores: npt.NDArray[np.float32]) -> npt.NDArray[np.uint64]:
    """Return integers, their lower half free, that ascend where scores descend."""
    # An IEEE float sorts like its bits when it is negative (the greater its bits the lower it is)
    # and against them when it is positive. Adding zero makes -0.0 equal to 0.0.
    bits = np.ascontiguousarray(scores + np.float32(0)).view(np.int32)
    descending = (~(bits >> 31) & 0x7FFFFFFF) ^ bits
    keys = descending.view(np.uint32).astype(np.uint64)
    keys <<= _SHIFT
    return keys


def _ties(width: int, start: IntVector | None) -> npt.NDArray[np.uint64]:
    """Return ``(column - start) % width``, of shape (b, width) or, without a start, (width,)."""
    columns = np.arange(width, dtype=np.uint64)
    if start is None:
        return columns
    # Each row is a window of the columns twice over; that spares a division for every score.
    windows = np.lib.stride_tricks.sliding_window_view(np.tile(columns, 2), width)
    return np.asarray(windows[width - start])


def _columns(
    keys: npt.NDArray[np.uint64], start: IntVector | None, width: int
) -> npt.NDArray[np.int64]:
    """Undo `_keys`: return the columns of keys of any shape (b, n)."""
    columns = (keys & _LOW).astype(np.int64)
    if start is not None:
        columns += start[:, np.newaxis]
        columns -= width * (columns >= width)
    return columns
