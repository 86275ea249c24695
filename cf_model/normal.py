"""Exact solutions of the normal equations of one side of ALS, for one row or many.

With the factors Y of the other side held fixed, a row with n played pairs is the solution of ::

    (Y' C Y + penalty I) x = Y' C p + penalty mu,    penalty ~ n ** frequency_power

equation 4 of Hu, Koren, Volinsky (ICDM 2008), with Y' C Y = Y'Y + Y' (C - I) Y so that only played
pairs are touched. mu, zero by default, is where the row is pulled to: a prior mean instead of zero.

Many rows are solved together, in the basis of the eigenvectors of Y'Y (`cf_model/exact.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from scipy.linalg import cho_factor, cho_solve

from cf_model.blocks import RowBlock, row_blocks, workers
from cf_model.confidence import confidence, confidence_of
from cf_model.config import CFConfig
from cf_model.exact import DoubleArray, FloatArray, solve_block
from cf_model.penalty import row_penalties
from data.errors import DataError
from data.threads import one_blas_thread

IntArray = npt.NDArray[np.int32]
Progress = Callable[[int, int, str], None]

_PART = 65_536  # rows taken to float64 at once: 64 MiB at 128 factors
_BUDGET = 1 << 22  # bytes of float64 factors in one block of rows


def gram_matrix(factors: FloatArray) -> DoubleArray:
    """Return Y'Y in float64, shape (f, f), of factors of shape (n, f)."""
    total = np.zeros((factors.shape[1], factors.shape[1]))
    for start in range(0, factors.shape[0], _PART):
        block = factors[start : start + _PART].astype(np.float64)
        total += block.T @ block
    return total


@dataclass(frozen=True, eq=False)
class System:
    """The equations of one row, factorised.

    Attributes
    ----------
    factored : tuple
        What `scipy.linalg.cho_solve` takes.
    played : ndarray of float64, shape (n, f)
        Factors of the played pairs.
    weights : ndarray of float64, shape (n,)
        Their confidences.
    penalty : float
    """

    factored: tuple[DoubleArray, bool]
    played: DoubleArray
    weights: DoubleArray
    penalty: float

    def solve(self, wanted: DoubleArray) -> DoubleArray:
        """Return the solution for right-hand sides of shape (f,) or (f, k)."""
        return np.asarray(cho_solve(self.factored, wanted, check_finite=False))


class NormalEquations:
    """Solves for rows of one side of ALS against the fixed factors of the other.

    Parameters
    ----------
    fixed : ndarray of float32, shape (n, f)
        May be memory-mapped; only the rows of played pairs are read.
    config : CFConfig
        What the factors were trained with.
    noun : str
        What a row of `fixed` is, for messages: "track" or "user".
    penalty_scale : float
        Multiplies the penalties.
    gram : ndarray of float64, shape (f, f), optional
        `gram_matrix(fixed)`, where it was kept; computed otherwise.

    Raises
    ------
    DataError
        If the shapes do not fit together.
    """

    def __init__(
        self,
        fixed: FloatArray,
        config: CFConfig,
        *,
        noun: str,
        penalty_scale: float = 1.0,
        gram: DoubleArray | None = None,
    ) -> None:
        if fixed.ndim != 2:
            raise DataError(f"Factors of {noun}s must be a matrix. Received: {fixed.shape}.")
        width = fixed.shape[1]
        if gram is not None and gram.shape != (width, width):
            raise DataError(f"A Gram matrix of {gram.shape} does not fit factors of width {width}.")
        self.fixed = fixed
        self.config = config
        self.gram = gram_matrix(fixed) if gram is None else gram
        self._noun = noun
        self._penalty_scale = penalty_scale

    def rows_of(self, indices: IntArray) -> DoubleArray:
        """Return fixed factors of shape (n, f) in float64; `DataError` for an unknown index."""
        known = self.fixed.shape[0]
        if len(indices) and not (np.min(indices) >= 0 and np.max(indices) < known):
            raise DataError(f"A {self._noun} is not among the {known} that have factors.")
        return np.asarray(self.fixed[indices], dtype=np.float64)

    def system(self, indices: IntArray, counts: FloatArray, *, strength: float = 1.0) -> System:
        """Return the equations of one row with plays; the caller holds BLAS to one thread."""
        if len(indices) != len(counts):
            raise DataError(f"{len(indices)} {self._noun}s were given with {len(counts)} counts.")
        played = self.rows_of(indices)
        weights = confidence_of(counts, self.config).astype(np.float64)
        penalty = float(self._penalties(np.array(len(indices)), strength))
        scaled = played * np.sqrt(weights - 1.0)[:, None]
        # A product of a matrix with its own transpose takes half of the work in BLAS.
        matrix = self.gram + scaled.T @ scaled
        matrix[np.diag_indices_from(matrix)] += penalty
        factored = cho_factor(matrix, overwrite_a=True, check_finite=False)
        return System(factored, played, weights, penalty)

    def one(
        self,
        indices: IntArray,
        counts: FloatArray,
        *,
        prior: FloatArray | None = None,
        strength: float = 1.0,
    ) -> FloatArray:
        """Return the factors of one row, shape (f,): the prior, or zeros, if nothing was played."""
        mean = None if prior is None else self._means(prior[None], 1)[0]
        if len(indices) == 0:
            empty = np.zeros(self.fixed.shape[1]) if mean is None else mean
            return empty.astype(np.float32)
        with one_blas_thread():
            system = self.system(indices, counts, strength=strength)
            wanted = system.weights @ system.played
            if mean is not None:
                wanted += system.penalty * mean
            return system.solve(wanted).astype(np.float32)

    def many(
        self,
        matrix: sp.csr_matrix,
        *,
        priors: FloatArray | None = None,
        strength: float = 1.0,
        progress: Progress | None = None,
    ) -> FloatArray:
        """Return the factors of many rows, shape (rows, f), of plays of shape (rows, n).

        `progress` is called with (rows done, rows in all, "fold-in").
        """
        total = matrix.shape[0]
        solved = np.zeros((total, self.fixed.shape[1]), np.float32)
        means = None if priors is None else self._means(priors, total)
        if means is not None:
            solved[:] = means  # of those with plays, something else comes in its place
        done = int(np.count_nonzero(np.diff(matrix.indptr) == 0))
        for rows, factors in self._solutions(matrix, means, strength):
            solved[rows] = factors
            done += len(rows)
            if progress is not None:
                progress(done, total, "fold-in")
        if progress is not None and matrix.nnz == 0:
            progress(total, total, "fold-in")
        return solved

    def _solutions(
        self, matrix: sp.csr_matrix, means: DoubleArray | None, strength: float
    ) -> Iterator[tuple[npt.NDArray[np.int64], FloatArray]]:
        if matrix.nnz == 0:
            return
        weights = confidence(matrix, self.config)
        penalties = np.asarray(self._penalties(np.diff(matrix.indptr), strength))
        with one_blas_thread(), workers(self.config.threads) as pool:
            values, basis = np.linalg.eigh(self.gram)
            values = np.maximum(values, 0)
            weights, rotated = self._rotated(weights, basis)

            def solve(block: RowBlock) -> tuple[npt.NDArray[np.int64], FloatArray]:
                penalty = penalties[block.rows][:, None]
                pull = 0.0 if means is None else penalty * (means[block.rows] @ basis)
                diagonal = values + penalty
                # In this basis, and then back.
                found = solve_block(block, rotated, diagonal, np.broadcast_to(pull, diagonal.shape))
                return block.rows, (found @ basis.T).astype(np.float32)

            blocks = row_blocks(weights, entry_bytes=8 * rotated.shape[1], budget=_BUDGET)
            yield from pool.map(solve, list(blocks))

    def _rotated(
        self, weights: sp.csr_matrix, basis: DoubleArray
    ) -> tuple[sp.csr_matrix, FloatArray]:
        """Return the matrix over played columns only, and their factors in the other basis."""
        played, columns = np.unique(weights.indices, return_inverse=True)
        shape = (weights.shape[0], len(played))
        compact = sp.csr_matrix(
            (weights.data, columns.astype(np.int32), weights.indptr), shape=shape
        )
        rotated = np.empty((len(played), self.fixed.shape[1]), np.float32)
        for start in range(0, len(played), _PART):
            part = slice(start, start + _PART)
            rotated[part] = self.rows_of(played[part]) @ basis
        return compact, rotated

    def _penalties(self, sizes: npt.NDArray[np.integer], strength: float) -> DoubleArray:
        if not strength > 0:
            raise DataError(f"`strength` must be above zero. Received: {strength!r}.")
        return strength * self._penalty_scale * row_penalties(sizes, self.config)

    def _means(self, priors: FloatArray, total: int) -> DoubleArray:
        if priors.shape != (total, self.fixed.shape[1]):
            raise DataError(
                f"Priors must be of shape {(total, self.fixed.shape[1])}, a row each. "
                f"Received: {priors.shape}."
            )
        return np.asarray(priors, dtype=np.float64)
