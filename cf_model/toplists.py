"""The best tracks of many users at once: one matrix product a block of users, then its best."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from cf_model.blocks import workers
from data.errors import DataError
from data.threads import one_blas_thread

IntArray = npt.NDArray[np.int32]
FloatArray = npt.NDArray[np.float32]

_BUDGET = 1 << 22  # bytes of the scores of one block


def recommend_all(
    user_factors: FloatArray,
    item_factors: FloatArray,
    seen: sp.csr_matrix,
    *,
    n: int,
    threads: int = 0,
    progress: Callable[[int, int, str], None] | None = None,
) -> tuple[IntArray, FloatArray]:
    """Return the best unseen tracks of every user.

    Parameters
    ----------
    user_factors : ndarray of float32, shape (n_users, f)
    item_factors : ndarray of float32, shape (n_tracks, f)
    seen : csr_matrix, shape (n_users, n_tracks)
        What is stored is not recommended, whatever its value.
    n : int
        Tracks a user, 1 or more.
    threads : int
        That work on blocks of users; 0 for one a core.
    progress : callable, optional
        Called with (users done, users in all, "users").

    Returns
    -------
    tracks : ndarray of int32, shape (n_users, n)
        Best first, ties by lower index; -1 where no track is left.
    scores : ndarray of float32, shape (n_users, n)
        Minus infinity where no track is left.

    Raises
    ------
    DataError
        If the shapes do not fit together.

    Notes
    -----
    Beside what it returns it holds some 6 MiB of scores a thread (or those of one user, if that is
    more). BLAS is held to one thread, in the whole process.
    """
    total = len(user_factors)
    if seen.shape != (total, len(item_factors)):
        raise DataError(
            f"What was seen must be a matrix of {total} users x {len(item_factors)} tracks. "
            f"Received: {seen.shape}."
        )
    tracks, scores = np.full((total, n), -1, np.int32), np.full((total, n), -np.inf, np.float32)
    size = max(1, _BUDGET // (4 * max(1, len(item_factors))))

    def fill(start: int) -> int:
        rows = slice(start, min(start + size, total))
        products = user_factors[rows] @ item_factors.T  # (b, f) @ (f, m) -> (b, m)
        part = seen[rows]
        products[np.repeat(np.arange(len(products)), np.diff(part.indptr)), part.indices] = -np.inf
        tracks[rows], scores[rows] = best_of_rows(products, n)
        return rows.stop

    with one_blas_thread(), workers(threads) as pool:
        for done in pool.map(fill, range(0, total, size)):
            if progress is not None:
                progress(done, total, "users")
    return tracks, scores


def best_of_rows(scores: FloatArray, n: int) -> tuple[IntArray, FloatArray]:
    """Return the `n` best columns of each row, best first, ties by lower column.

    Parameters
    ----------
    scores : ndarray of float32, shape (b, m)
        Not NaN. Entries of minus infinity are never returned.
    n : int
        1 or more.

    Returns
    -------
    columns : ndarray of int32, shape (b, n)
        -1 where a row has no more.
    values : ndarray of float32, shape (b, n)
        Minus infinity there.
    """
    columns = np.full((len(scores), n), -1, np.int32)
    values = np.full((len(scores), n), -np.inf, np.float32)
    if scores.size == 0:
        return columns, values
    enough = np.flatnonzero((scores >= _threshold(scores, n)).ravel())
    rows, found = np.divmod(enough, scores.shape[1])
    best = scores.ravel()[enough]
    order = np.lexsort((-best, rows))  # stable, so that ties stay in the order of columns
    first = np.searchsorted(rows, np.arange(len(scores)))
    rank = np.arange(rows.size) - first[rows]  # rows are in order, sorted or not
    kept = rank < n
    chosen = order[kept]
    columns[rows[kept], rank[kept]] = found[chosen]
    values[rows[kept], rank[kept]] = best[chosen]
    return columns, values


def _threshold(scores: FloatArray, n: int) -> FloatArray:
    """Return a value a row, (b, 1), that at least `n` of its scores reach (if it has as many).

    Columns are put into many more than `n` groups. The n-th best of the best of each group is
    reached by n groups, so by n scores, and by few more. To find it takes one fast pass.
    """
    width = scores.shape[1]
    fold = min(64, max(1, width // (8 * n)))
    even = width - width % fold
    groups = scores[:, :even].reshape(len(scores), fold, -1).max(axis=1)
    groups = np.concatenate([groups, scores[:, even:]], axis=1)
    at = max(0, groups.shape[1] - n)
    lowest = np.float32(np.finfo(np.float32).min)  # above minus infinity
    reached: FloatArray = np.maximum(np.partition(groups, at, axis=1)[:, at], lowest)[:, None]
    return reached
