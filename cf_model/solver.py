"""One half of a sweep of ALS: all rows of one side, solved against the other side held fixed.

The solver is the compiled one of `implicit`: three conjugate-gradient steps a row, started from the
factors of the sweep before (Takacs, Pilaszy, Tikk, "Applications of the Conjugate Gradient Method
for Implicit Feedback Collaborative Filtering", RecSys 2011). It knows one penalty a call, and
computes Y'Y of the whole other side in each. So that many calls with penalties of their own cost
hardly more than one, Y'Y is computed here, once a half sweep, and handed in as a square root.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from implicit.cpu.als import AlternatingLeastSquares

from cf_model.blocks import workers
from data.errors import DataError

FloatArray = npt.NDArray[np.float32]
DoubleArray = npt.NDArray[np.float64]

_PARTS = 64  # of the work of one side
_LEAST = 32_768  # pairs, or as much work, in a part: beside them what a call takes is little
_BLOCK = 2_048  # rows of which a thread computes Y'Y at once


@dataclass(frozen=True, eq=False)
class _Part:
    """Rows of one penalty: their span in the order of the side, and their confidences.

    Columns are counted from `factors` on, see `_rooted`.
    """

    span: slice
    weights: sp.csr_matrix
    penalty: float


@dataclass(frozen=True, eq=False)
class Side:
    """What stays the same in all sweeps over one side.

    Attributes
    ----------
    order : ndarray of int64, shape (m,)
        The rows that have confidences, by penalty.
    parts : list of _Part
        The largest first, so that threads end at about the same time.
    penalty : float
        The lowest.
    """

    order: npt.NDArray[np.int64]
    parts: list[_Part]
    penalty: float

    @classmethod
    def of(
        cls, weights: sp.csr_matrix, penalties: npt.NDArray[np.float64], *, factors: int
    ) -> Side:
        """Cut the rows of confidences, shape (n, m), by their penalties, shape (n,)."""
        sizes = np.diff(weights.indptr)
        rows = np.flatnonzero(sizes)
        order = rows[np.argsort(penalties[rows], kind="stable")]
        work = np.cumsum(sizes[order] + factors / 2)  # of a pair 2f, of a product with Y'Y f^2
        # Each part computes an f x f x f of its own, too.
        share = np.floor(work / max(work[-1] / _PARTS, _LEAST, factors**2))
        cuts = np.flatnonzero((np.diff(penalties[order]) != 0) | (np.diff(share) != 0)) + 1
        bounds = np.array([0, *cuts, len(order)])
        costs = np.diff(np.append(0, work)[bounds])
        spans = [slice(*bounds[i : i + 2].tolist()) for i in np.argsort(-costs, kind="stable")]
        ordered = weights[order]
        parts = [
            _Part(span, _cut(ordered, span, factors), float(penalties[order[span.start]]))
            for span in spans
        ]
        return cls(order, parts, float(penalties[order[0]]))


def _cut(weights: sp.csr_matrix, span: slice, margin: int) -> sp.csr_matrix:
    """Return some rows, with so many empty columns before their first."""
    starts = weights.indptr[span.start : span.stop + 1]
    entries = slice(starts[0], starts[-1])
    indices = weights.indices[entries] + np.int32(margin)
    shape = (len(starts) - 1, weights.shape[1] + margin)
    return sp.csr_matrix((weights.data[entries], indices, starts - starts[0]), shape=shape)


class Solver:
    """Threads that solve rows; see `solving`."""

    def __init__(self, pool: Executor) -> None:
        self._pool = pool
        solver = AlternatingLeastSquares(use_cg=True, use_native=True).solver
        self._solve: Callable[..., None] = solver

    def sweep(self, side: Side, solved: FloatArray, fixed: FloatArray) -> None:
        """Improve the factors of one side, in place.

        Parameters
        ----------
        side : Side
        solved : ndarray of float32, shape (n, factors)
            Where to start from. Rows without confidences are left as they are.
        fixed : ndarray of float32, shape (m, factors)
            The other side.

        Raises
        ------
        DataError
            If the penalty is too small for float64 to tell it from none.
        """
        rows = solved[side.order]
        root = self._rooted(fixed, side.penalty)[: fixed.shape[1]]

        def solve(part: _Part) -> None:
            above = part.penalty - side.penalty
            self._solve(part.weights, rows[part.span], root, above, num_threads=1)

        list(self._pool.map(solve, side.parts))
        solved[side.order] = rows

    def _rooted(self, fixed: FloatArray, penalty: float) -> FloatArray:
        """Return factors Y, shape (m, f), below a root R, R'R = Y'Y + penalty I: (f + m, f).

        A call of `implicit` is given the first f rows alone. Those it multiplies to get at Y'Y; of
        others it reads the ones that the columns of the confidences name, by their place in
        memory, and these are the rows below. (`tests/cf_model/test_solver.py` makes sure of it.)
        """
        width = fixed.shape[1]
        both = np.empty((width + len(fixed), width), np.float32)
        both[width:] = fixed
        for precision in (np.float32, np.float64):  # the first is what `implicit` computes it in
            gram = self._gram(fixed, precision) + penalty * np.eye(width)
            with suppress(np.linalg.LinAlgError):
                both[:width] = np.linalg.cholesky(gram).T
                return both
        raise DataError(
            "The penalty must not vanish beside the factors. Raise `regularization` or lower "
            f"`alpha`. Received: a penalty of {penalty:.3g}."
        )

    def _gram(self, fixed: FloatArray, precision: type[np.floating[Any]]) -> DoubleArray:
        def of_block(start: int) -> npt.NDArray[np.floating[Any]]:
            block = fixed[start : start + _BLOCK].astype(precision, copy=False)
            return np.asarray(block.T @ block)

        blocks = self._pool.map(of_block, range(0, len(fixed), _BLOCK))
        return np.asarray(np.sum(list(blocks), axis=0, dtype=np.float64))


@contextmanager
def solving(threads: int) -> Iterator[Solver]:
    """Give a solver on so many threads; 0 takes every core.

    A row is solved by one thread, so that the result does not depend on how many there are. Enter
    it while BLAS is held to one thread: `implicit` warns otherwise.
    """
    with workers(threads) as pool:
        yield Solver(pool)
