"""One half of a sweep of ALS: all rows of one side, solved against the other side held fixed.

The solver is the compiled one of `implicit`: three conjugate-gradient steps a row, started from the
factors of the sweep before (Takacs, Pilaszy, Tikk, "Applications of the Conjugate Gradient Method
for Implicit Feedback Collaborative Filtering", RecSys 2011). It knows one penalty a call, so it is
called once for each group of rows that have the same (`penalty.rounded`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from implicit.cpu.als import AlternatingLeastSquares

FloatArray = npt.NDArray[np.float32]
Solver = Callable[..., None]


@dataclass(frozen=True, eq=False)
class _Group:
    """Rows of one penalty: their span in the order of the side, and their confidences."""

    span: slice
    weights: sp.csr_matrix
    penalty: float


@dataclass(frozen=True, eq=False)
class Side:
    """What stays the same in all sweeps over one side.

    Attributes
    ----------
    order : ndarray of int64, shape (m,)
        The rows that have confidences, group by group.
    groups : list of _Group
    """

    order: npt.NDArray[np.int64]
    groups: list[_Group]

    @classmethod
    def of(cls, weights: sp.csr_matrix, penalties: npt.NDArray[np.float64]) -> Side:
        """Group the rows of confidences, shape (n, m), by their penalties, shape (n,)."""
        rows = np.flatnonzero(np.diff(weights.indptr))
        order = rows[np.argsort(penalties[rows], kind="stable")]
        cuts = np.flatnonzero(np.diff(penalties[order])) + 1
        bounds = [0, *cuts.tolist(), len(order)]
        groups = [
            _Group(slice(a, b), weights[order[a:b]], float(penalties[order[a]]))
            for a, b in pairwise(bounds)
        ]
        return cls(order, groups)


def make_solver(threads: int) -> Solver:
    """Return the solver of `implicit`, on so many threads; 0 takes every core.

    Call it while BLAS is held to one thread: `implicit` warns otherwise.
    """
    solver: Solver = AlternatingLeastSquares(use_cg=True, use_native=True).solver

    def solve(weights: sp.csr_matrix, rows: FloatArray, fixed: FloatArray, penalty: float) -> None:
        solver(weights, rows, fixed, penalty, num_threads=threads)

    return solve


def sweep(side: Side, solved: FloatArray, fixed: FloatArray, *, solver: Solver) -> None:
    """Improve the factors of one side, in place.

    Parameters
    ----------
    side : Side
    solved : ndarray of float32, shape (n, factors)
        Where to start from. Rows without confidences are left as they are.
    fixed : ndarray of float32, shape (m, factors)
        The other side.
    solver : callable
        Of `make_solver`. A row is solved by one thread, so the result does not depend on how many
        there are.
    """
    rows = solved[side.order]
    for group in side.groups:
        solver(group.weights, rows[group.span], fixed, group.penalty)
    solved[side.order] = rows
