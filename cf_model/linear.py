"""A linear item model in closed form: EASE.

Steck, "Embarrassingly Shallow Autoencoders for Sparse Data", WWW 2019: the weights B minimise
``|X - X B|^2 + penalty |B|^2`` with a diagonal of zero (equations 1 to 8)::

    P = (X'X + penalty I)^-1        B_ij = -P_ij / P_jj, B_jj = 0

X is the binary matrix of plays. P has one row a track; where there are fewer users than tracks, it
is never formed (Woodbury)::

    P = (I - X' K X) / penalty      K = (XX' + penalty I)^-1

which needs one row a user instead. Both give the same scores.

It is a yardstick: `segue evaluate` compares ALS with it. It is not served, as on the data at hand
it added nothing to ALS (docs/behaviour.md).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import numpy as np
import numpy.typing as npt
import scipy.linalg
import scipy.sparse as sp

from data.checks import check_positive
from data.errors import DataError

FloatArray = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int32]

LARGEST = 20_000
"""Most rows of the matrix that is inverted: 1.6 GB of float32, and some minutes."""

PENALTIES = (3.0, 10.0, 30.0, 100.0, 300.0)
"""Worth trying: each data set has its own best."""


class LinearModel(Protocol):
    """Scores tracks from histories by weights between tracks."""

    def scores(self, history: sp.csr_matrix, tracks: IntArray) -> FloatArray:
        """Return X B for some tracks.

        Parameters
        ----------
        history : csr_matrix, shape (m, n_tracks)
            Plays; only whether there is one counts.
        tracks : ndarray of int32, shape (e,)

        Returns
        -------
        ndarray of float32, shape (m, e)
        """
        ...


def train_linear(plays: sp.csr_matrix, *, penalty: float) -> LinearModel:
    """Solve for the weights.

    Parameters
    ----------
    plays : csr_matrix, shape (n_users, n_tracks)
        Only whether there is a play counts.
    penalty : float
        Above zero.

    Raises
    ------
    ParameterError
        If the penalty is not above zero.
    DataError
        If there are more than `LARGEST` users and more than `LARGEST` tracks.
    """
    return linear_by_penalty(plays)(penalty)


def linear_by_penalty(plays: sp.csr_matrix) -> Callable[[float], LinearModel]:
    """Return what solves for the weights of one penalty after the other.

    X'X, or XX', is computed once, and held: as much memory again as a model takes.

    Parameters
    ----------
    plays : csr_matrix, shape (n_users, n_tracks)
        As for `train_linear`; so are the errors.
    """
    n_users, n_tracks = plays.shape
    if min(n_users, n_tracks) > LARGEST:
        raise DataError(
            f"A linear item model of {n_users:,} users and {n_tracks:,} tracks is too large: "
            f"one of them must be at most {LARGEST:,}."
        )
    x = binary(plays)
    if n_tracks <= n_users:
        return partial(_by_tracks, (x.T @ x).toarray())
    return partial(_by_users, (x @ x.T).toarray(), x)


def binary(plays: sp.csr_matrix) -> sp.csr_matrix:
    """Return 1 for each stored play, as float32; the index arrays are shared."""
    ones = np.ones(plays.nnz, np.float32)
    return sp.csr_matrix((ones, plays.indices, plays.indptr), shape=plays.shape)


@dataclass(frozen=True, eq=False)
class _Primal:
    weights: FloatArray  # (n_tracks, n_tracks)

    def scores(self, history: sp.csr_matrix, tracks: IntArray) -> FloatArray:
        return np.asarray(binary(history) @ self.weights[:, tracks], np.float32)


@dataclass(frozen=True, eq=False)
class _Dual:
    x: sp.csr_matrix  # (n_users, n_tracks)
    inverse: FloatArray  # K, (n_users, n_users)
    diagonal: FloatArray  # penalty * P_jj, (n_tracks,)

    def scores(self, history: sp.csr_matrix, tracks: IntArray) -> FloatArray:
        h = binary(history)
        similar = (h @ self.x.T).toarray() @ self.inverse  # (m, n_users)
        explained = np.asarray((self.x[:, tracks].T @ similar.T).T)  # h X' K X, (m, e)
        own = h[:, tracks].toarray()
        # h B = h - h P / diag(P), and h P = (h - h X' K X) / penalty.
        return np.asarray(own - (own - explained) / self.diagonal[tracks], np.float32)


def _by_tracks(gram: FloatArray, penalty: float) -> LinearModel:
    p = _inverse(gram, penalty)
    weights: FloatArray = -p / p.diagonal()
    np.fill_diagonal(weights, 0)
    return _Primal(weights)


def _by_users(gram: FloatArray, x: sp.csr_matrix, penalty: float) -> LinearModel:
    k = _inverse(gram, penalty)
    columns = x.tocsc()
    diagonal = np.ones(x.shape[1], np.float32)
    for track in np.flatnonzero(np.diff(columns.indptr)):
        users = columns.indices[columns.indptr[track] : columns.indptr[track + 1]]
        diagonal[track] -= k[np.ix_(users, users)].sum(dtype=np.float64)
    return _Dual(x, k, diagonal)


def _inverse(gram: FloatArray, penalty: float) -> FloatArray:
    """Return (gram + penalty I)^-1 of a symmetric matrix, by Cholesky."""
    check_positive("penalty", penalty)
    gram = gram.astype(np.float64)
    gram[np.diag_indices_from(gram)] += penalty
    factor, info = scipy.linalg.lapack.dpotrf(gram, lower=1, overwrite_a=1)
    inverse, failed = scipy.linalg.lapack.dpotri(factor, lower=1, overwrite_c=1)
    assert not info, "a Gram matrix plus a penalty is positive definite"
    assert not failed, "so is its inverse"
    lower = np.tril(inverse)
    return np.asarray(lower + np.tril(inverse, -1).T, np.float32)
