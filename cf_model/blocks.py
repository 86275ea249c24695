"""Rows of a sparse matrix in dense blocks, so that many small systems are solved at once.

Rows are sorted by length and cut where the length has grown by a tenth, so at most a tenth of a
block is padding. A block is also cut where the factors that it needs would fill its budget: the
systems of a block are worked on while its factors lie in the cache of the processor.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

_GROWTH = 1.1  # longest row of a block / shortest
_MOST_ROWS = 512


@dataclass(frozen=True, eq=False)
class RowBlock:
    """Some rows of about the same length.

    Attributes
    ----------
    rows : ndarray of int, shape (b,)
        Which rows of the matrix.
    sizes : ndarray of int, shape (b,)
        Entries of each; at least 1.
    columns : ndarray of int32, shape (b, w)
        Columns of the entries; any column where a row is shorter.
    values : ndarray of float32, shape (b, w)
        The entries; 0 where a row is shorter.
    """

    rows: npt.NDArray[np.int64]
    sizes: npt.NDArray[np.int64]
    columns: npt.NDArray[np.int32]
    values: npt.NDArray[np.float32]


def row_blocks(matrix: sp.csr_matrix, *, entry_bytes: int, budget: int) -> Iterator[RowBlock]:
    """Yield all rows that have entries, the longest first.

    Parameters
    ----------
    matrix : csr_matrix of float32, shape (n, m)
    entry_bytes : int
        What one entry takes where it is worked on: the size of a row of factors.
    budget : int
        Bytes of one block there; a single row may take more.
    """
    sizes = np.diff(matrix.indptr)
    order = np.argsort(-sizes, kind="stable")
    order = order[: np.count_nonzero(sizes)]
    lengths = sizes[order]
    start = 0
    while start < order.size:
        width = int(lengths[start])
        most = min(_MOST_ROWS, max(1, budget // (width * entry_bytes)))
        near = int(np.searchsorted(-lengths, -width / _GROWTH, side="right"))
        stop = min(start + most, max(near, start + 1))
        yield _block(matrix, order[start:stop], lengths[start:stop])
        start = stop


def _block(matrix: sp.csr_matrix, rows: npt.NDArray[np.int64], sizes: npt.NDArray[Any]) -> RowBlock:
    steps = np.arange(sizes[0])
    inside = steps < sizes[:, None]
    at = np.where(inside, matrix.indptr[rows].astype(np.int64)[:, None] + steps, 0)
    values = np.where(inside, matrix.data[at], np.float32(0))
    return RowBlock(rows, sizes.astype(np.int64), matrix.indices[at], values)


@contextmanager
def workers(threads: int) -> Iterator[Executor]:
    """Give threads to work on blocks; 0 for one a core.

    NumPy lets go of the interpreter in what is done to a block, so they do run side by side.
    """
    with ThreadPoolExecutor(threads or len(os.sched_getaffinity(0))) as pool:
        yield pool
