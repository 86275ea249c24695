"""Rows of plays put in order of user, track and time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

Indices = npt.NDArray[np.int32]
Times = npt.NDArray[np.int64]
Counts = npt.NDArray[np.float32]
Order = npt.NDArray[np.intp] | npt.NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class Rows:
    """Columns of plays, each of shape (n,); see `data.interactions.Interactions`."""

    user: Indices
    track: Indices
    count: Counts
    at: Times


def in_order(rows: Rows, *, n_users: int, n_tracks: int) -> Rows:
    """Put rows in order of user, track and time; equal rows stay in the order that they have.

    Parameters
    ----------
    rows : Rows
        Users and tracks from 0 to below `n_users` and `n_tracks`.

    Returns
    -------
    Rows
        The same object where there are many and they are in order as they are.

    Notes
    -----
    Ten times as fast as `numpy.lexsort`: to transpose a sparse matrix is to sort by counting, in
    linear time, and twice transposed its rows are sorted by both indices.
    """
    if rows.user.size < n_users + n_tracks:  # that many places are counted
        return _taken(rows, np.lexsort((rows.at, rows.track, rows.user)))
    if _is_in_order(rows):
        return rows
    if rows.at.min() == rows.at.max():
        user, track, count = _transposed_twice(rows, rows.count, (n_users, n_tracks))
        return Rows(user, track, count, rows.at)
    place = np.arange(rows.user.size, dtype=np.int32 if rows.user.size < 2**31 else np.int64)
    user, track, order = _transposed_twice(rows, place, (n_users, n_tracks))
    at = rows.at[order]
    moved = _by_time(user, track, at)
    if moved is not None:
        places, now = moved
        order[places], at[places] = order[now], at[now]
    return Rows(user, track, rows.count[order], at)


def _is_in_order(rows: Rows) -> bool:
    user, track, at = rows.user, rows.track, rows.at
    if bool((user[1:] < user[:-1]).any()):
        return False
    same = user[1:] == user[:-1]
    if bool((same & (track[1:] < track[:-1])).any()):
        return False
    same &= track[1:] == track[:-1]
    return not bool((same & (at[1:] < at[:-1])).any())


def _taken(rows: Rows, order: Order) -> Rows:
    return Rows(rows.user[order], rows.track[order], rows.count[order], rows.at[order])


def _transposed_twice(
    rows: Rows, values: npt.NDArray[Any], shape: tuple[int, int]
) -> tuple[Indices, Indices, npt.NDArray[Any]]:
    """Return users, tracks and one value a row, in order of user and track."""
    matrix = sp.coo_array((values, (rows.user, rows.track)), shape=shape)
    matrix.has_canonical_format = True  # each row keeps an entry of its own: none are summed
    matrix = matrix.tocsc()
    matrix.has_canonical_format = True
    matrix = matrix.tocsr()
    user = np.repeat(np.arange(shape[0], dtype=np.int32), np.diff(matrix.indptr))
    return user, matrix.indices.astype(np.int32, copy=False), matrix.data


def _by_time(user: Indices, track: Indices, at: Times) -> tuple[Order, Order] | None:
    """Return which rows to overwrite by which to have the rows of each pair in order of time."""
    same = (user[1:] == user[:-1]) & (track[1:] == track[:-1])
    if not (same & (at[1:] < at[:-1])).any():
        return None
    several = np.flatnonzero(np.append(same, False) | np.insert(same, 0, False))
    pair = np.cumsum(np.insert(~same, 0, False))[several]
    return several, several[np.lexsort((at[several], pair))]
