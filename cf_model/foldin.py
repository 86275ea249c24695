"""Fold-in: the factors of users whom training never saw, or who played since.

With the item factors Y held fixed, the factors of a user are the solution of equation 4 of Hu,
Koren, Volinsky (ICDM 2008)::

    x_u = (Y' C_u Y + regularization I)^-1 Y' C_u p_u
        = (Y'Y + Y' (C_u - I) Y + regularization I)^-1 Y' C_u p_u

Y'Y is the same for everybody, so it is computed once; the rest touches played tracks only.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from scipy.linalg import cho_factor, cho_solve

from cf_model.confidence import confidence_of
from cf_model.config import CFConfig
from data.errors import DataError
from data.threads import one_blas_thread

IntArray = npt.NDArray[np.int32]
FloatArray = npt.NDArray[np.float32]
DoubleArray = npt.NDArray[np.float64]

_BLOCK = 65_536  # rows taken to float64 at once: 64 MiB at 128 factors


def gram_matrix(item_factors: FloatArray) -> DoubleArray:
    """Return Y'Y in float64, shape (factors, factors), of factors of shape (n_tracks, factors)."""
    total = np.zeros((item_factors.shape[1], item_factors.shape[1]))
    for start in range(0, item_factors.shape[0], _BLOCK):
        block = item_factors[start : start + _BLOCK].astype(np.float64)
        total += block.T @ block
    return total


class FoldIn:
    """Solves for users against fixed item factors.

    Parameters
    ----------
    item_factors : ndarray of float32, shape (n_tracks, factors)
        May be memory-mapped; only the rows of played tracks are read.
    config : CFConfig
        The one they were trained with: `confidence`, `alpha` and `regularization` are used.
        `train_als` scales item factors so that `regularization` is the penalty here as it is.
    gram : ndarray of float64, shape (factors, factors), optional
        `gram_matrix(item_factors)`, where it was kept; computed otherwise.

    Raises
    ------
    DataError
        If the shapes do not fit together.
    """

    def __init__(
        self, item_factors: FloatArray, config: CFConfig, *, gram: DoubleArray | None = None
    ) -> None:
        if item_factors.ndim != 2:
            raise DataError(f"Item factors must be a matrix. Received: {item_factors.shape}.")
        width = item_factors.shape[1]
        if gram is not None and gram.shape != (width, width):
            raise DataError(f"A Gram matrix of {gram.shape} does not fit factors of width {width}.")
        self.item_factors = item_factors
        self.config = config
        self.gram = gram_matrix(item_factors) if gram is None else gram
        self._base = self.gram + config.regularization * np.eye(width)

    @property
    def factors(self) -> int:
        """Width of the factors."""
        return int(self.item_factors.shape[1])

    def user(self, tracks: IntArray, counts: FloatArray) -> FloatArray:
        """Return the factors of one user.

        Parameters
        ----------
        tracks : ndarray of int32, shape (m,)
            Distinct played tracks.
        counts : ndarray of float32, shape (m,)
            Plays of each, above zero.

        Returns
        -------
        ndarray of float32, shape (factors,)
            Zeros if nothing was played.

        Raises
        ------
        DataError
            If a count is not above zero, a track is unknown, or lengths differ.
        """
        if len(tracks) == 0:
            return np.zeros(self.factors, np.float32)
        played, weights = self._played(tracks, counts)
        with one_blas_thread():
            system = self._system(played, weights)
            solution = cho_solve(system, weights @ played, check_finite=False)
        return np.asarray(solution, dtype=np.float32)

    def users(
        self, matrix: sp.csr_matrix, *, progress: Callable[[int, int, str], None] | None = None
    ) -> FloatArray:
        """Return the factors of many users.

        Parameters
        ----------
        matrix : csr_matrix of float32, shape (n_users, n_tracks)
            Plays.
        progress : callable, optional
            Called with (users done, users in all, "fold-in").

        Returns
        -------
        ndarray of float32, shape (n_users, factors)

        Raises
        ------
        DataError
            See `user`.
        """
        total = matrix.shape[0]
        solved = np.zeros((total, self.factors), np.float32)
        for row in range(total):
            span = slice(matrix.indptr[row], matrix.indptr[row + 1])
            solved[row] = self.user(matrix.indices[span], matrix.data[span])
            if progress is not None and ((row + 1) % 1000 == 0 or row + 1 == total):
                progress(row + 1, total, "fold-in")
        return solved

    def contributions(
        self, tracks: IntArray, counts: FloatArray, *, targets: IntArray
    ) -> FloatArray:
        """Return how much each played track adds to the score of each target.

        Section 5 of the paper: the score of track i is a sum over played tracks j of
        c_uj y_i' W_u y_j, where W_u is the inverse of the user's system.

        Parameters
        ----------
        tracks, counts : ndarray of shape (m,)
            As for `user`.
        targets : ndarray of int32, shape (k,)

        Returns
        -------
        ndarray of float32, shape (k, m)
            Each row adds up to the score of its target.

        Raises
        ------
        DataError
            See `user`.
        """
        wanted = self._rows(targets)
        if len(tracks) == 0:
            return np.zeros((len(wanted), 0), np.float32)
        played, weights = self._played(tracks, counts)
        with one_blas_thread():
            system = self._system(played, weights)
            # Solving for the targets, not for the plays: there are fewer of them.
            solved = cho_solve(system, wanted.T, check_finite=False)
            added = (solved.T @ played.T) * weights
        return np.asarray(added, dtype=np.float32)

    def _played(self, tracks: IntArray, counts: FloatArray) -> tuple[DoubleArray, DoubleArray]:
        if len(tracks) != len(counts):
            raise DataError(f"{len(tracks)} tracks were given with {len(counts)} counts.")
        return self._rows(tracks), confidence_of(counts, self.config).astype(np.float64)

    def _rows(self, tracks: IntArray) -> DoubleArray:
        known = self.item_factors.shape[0]
        if len(tracks) and not (np.min(tracks) >= 0 and np.max(tracks) < known):
            raise DataError(f"A track is not among the {known} that have factors.")
        return np.asarray(self.item_factors[tracks], dtype=np.float64)

    def _system(self, played: DoubleArray, weights: DoubleArray) -> tuple[DoubleArray, bool]:
        scaled = played * np.sqrt(weights - 1.0)[:, None]
        # A product of a matrix with its own transpose takes half of the work in BLAS.
        system = self._base + scaled.T @ scaled
        factored, lower = cho_factor(system, overwrite_a=True, check_finite=False)
        return factored, lower
