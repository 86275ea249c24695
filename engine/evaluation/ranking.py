"""From scores to order, for a block of users at a time, with ties settled fairly.

A score and a tie-break are packed into one 64-bit key, so that one (SIMD) sort or partition of
integers gives an order that depends on nothing but the scores, the tie-breaks and the seed.

Ties. The lower column comes first, counted cyclically from a start that differs from user to
user. With the columns in a seeded random order (see `protocols.Task`), a system whose scores are
constant thus answers each user with another random list: neither the order of ids in a file, nor
one lucky list for everybody, can pass for knowledge.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

FloatBlock = npt.NDArray[np.float32]
IntBlock = npt.NDArray[np.int32]
IntVector = npt.NDArray[np.int64]

NONE = -1
"""Stands in a list for "no track left"."""

_LOW = np.uint64(0xFFFFFFFF)
_SHIFT = np.uint64(32)


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
    if not width:
        return best
    depth = min(k, width)
    keys = _keys(scores, start)
    if depth < width:
        keys = np.partition(keys, depth - 1, axis=1)[:, :depth]
    keys.sort(axis=1)
    columns = _columns(keys, start, width)
    answered = np.take_along_axis(scores, columns, axis=1) > -np.inf
    best[:, :depth] = np.where(answered, columns, NONE)
    return best


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
    keys = _keys(scores, start)
    keys.sort(axis=1)
    columns = _columns(keys, start, scores.shape[1])
    ranked = np.empty(scores.shape, np.int32)
    places = np.arange(1, scores.shape[1] + 1, dtype=np.int32)
    for row, order in zip(ranked, columns, strict=True):  # faster than one scatter over the block
        row[order] = places
    ranked[scores == -np.inf] = 0
    return ranked


def _keys(scores: FloatBlock, start: IntVector | None) -> npt.NDArray[np.uint64]:
    """Pack (score descending, tie-break ascending) into integers that sort ascending."""
    # An IEEE float sorts like its bits when it is negative (the greater its bits the lower it is)
    # and against them when it is positive. Adding zero makes -0.0 equal to 0.0.
    bits = np.ascontiguousarray(scores + np.float32(0)).view(np.int32)
    descending = (~(bits >> 31) & 0x7FFFFFFF) ^ bits
    keys = descending.view(np.uint32).astype(np.uint64)
    keys <<= _SHIFT
    keys |= _ties(scores.shape[1], start)
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
