"""Fold-in: the factors of users and tracks whom training never saw, or who changed since.

A folded-in row is the exact minimum of the objective of ALS with the other side held fixed
(`cf_model/normal.py`). Training takes a few conjugate-gradient steps towards it in each sweep, and
moves the other side afterwards, so its rows agree with folded-in ones as far as it has converged.
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from cf_model.config import CFConfig
from cf_model.exact import DoubleArray, FloatArray
from cf_model.normal import IntArray, NormalEquations, Progress, gram_matrix
from data.threads import one_blas_thread

__all__ = ["FoldIn", "TrackFoldIn", "gram_matrix"]


class FoldIn:
    """Solves for users against fixed item factors.

    Parameters
    ----------
    item_factors : ndarray of float32, shape (n_tracks, factors)
        May be memory-mapped; only the rows of played tracks are read.
    config : CFConfig
        The one they were trained with: confidence, `regularization` and `frequency_power` are
        used. `train_als` scales item factors so that the penalty here is
        `regularization * n ** frequency_power` for a user of n tracks.
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
        self._equations = NormalEquations(item_factors, config, noun="track", gram=gram)
        self.item_factors = item_factors
        self.config = config

    @property
    def gram(self) -> DoubleArray:
        """`gram_matrix` of the item factors."""
        return self._equations.gram

    @property
    def factors(self) -> int:
        """Width of the factors."""
        return int(self.item_factors.shape[1])

    def user(
        self, tracks: IntArray, counts: FloatArray, *, prior: FloatArray | None = None
    ) -> FloatArray:
        """Return the factors of one user.

        Parameters
        ----------
        tracks : ndarray of int32, shape (m,)
            Distinct played tracks.
        counts : ndarray of float32, shape (m,)
            Plays of each, above zero.
        prior : ndarray of float32, shape (factors,), optional
            Where the penalty pulls to, instead of zero.

        Returns
        -------
        ndarray of float32, shape (factors,)
            If nothing was played: the prior, or zeros.

        Raises
        ------
        DataError
            If a count is not above zero, a track is unknown, or lengths differ.
        """
        return self._equations.one(tracks, counts, prior=prior)

    def users(
        self,
        matrix: sp.csr_matrix,
        *,
        priors: FloatArray | None = None,
        progress: Progress | None = None,
    ) -> FloatArray:
        """Return the factors of many users, equal to `user` of each up to float32 rounding.

        Parameters
        ----------
        matrix : csr_matrix of float32, shape (n_users, n_tracks)
            Plays.
        priors : ndarray of float32, shape (n_users, factors), optional
            As in `user`.
        progress : callable, optional
            Called with (users done, users in all, "fold-in").

        Returns
        -------
        ndarray of float32, shape (n_users, factors)

        Raises
        ------
        DataError
            See `user`.

        Notes
        -----
        It works in blocks, on `config.threads` threads, with BLAS held to one thread. Memory: the
        factors of the played tracks once more, and some 16 MiB a thread.
        """
        return self._equations.many(matrix, priors=priors, progress=progress)

    def contributions(
        self, tracks: IntArray, counts: FloatArray, *, targets: IntArray
    ) -> FloatArray:
        """Return how much each played track adds to the score of each target.

        Section 5 of Hu, Koren, Volinsky: the score of track i is a sum over played tracks j of
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
        wanted = self._equations.rows_of(targets)
        if len(tracks) == 0:
            return np.zeros((len(wanted), 0), np.float32)
        with one_blas_thread():
            system = self._equations.system(tracks, counts)
            # Solving for the targets, not for the plays: there are fewer of them.
            added = (system.solve(wanted.T).T @ system.played.T) * system.weights
        return np.asarray(added, dtype=np.float32)


class TrackFoldIn:
    """Solves for tracks against fixed user factors.

    Parameters
    ----------
    user_factors : ndarray of float32, shape (n_users, factors)
        May be memory-mapped; only the rows of listeners are read.
    config : CFConfig
        The one they were trained with.
    scale : float
        `ALSModel.scale`. The penalty of a track of n listeners is
        `regularization * scale ** 2 * n ** frequency_power`.
    gram : ndarray of float64, shape (factors, factors), optional
        `gram_matrix(user_factors)`, where it was kept; computed otherwise.

    Raises
    ------
    DataError
        If the shapes do not fit together.
    """

    def __init__(
        self,
        user_factors: FloatArray,
        config: CFConfig,
        *,
        scale: float,
        gram: DoubleArray | None = None,
    ) -> None:
        self._equations = NormalEquations(
            user_factors, config, noun="user", penalty_scale=scale**2, gram=gram
        )

    def track(
        self,
        users: IntArray,
        counts: FloatArray,
        *,
        prior: FloatArray | None = None,
        strength: float = 1.0,
    ) -> FloatArray:
        """Return the factors of one track.

        Parameters
        ----------
        users : ndarray of int32, shape (m,)
            Distinct listeners.
        counts : ndarray of float32, shape (m,)
            Plays of each, above zero.
        prior : ndarray of float32, shape (factors,), optional
            The factor that is expected of it, from its sound say: the penalty pulls there
            instead of to zero.
        strength : float
            Multiplies the penalty: how much the prior (or zero) counts against the listeners.

        Returns
        -------
        ndarray of float32, shape (factors,)
            If nobody listened: the prior, or zeros.

        Raises
        ------
        DataError
            If a count or `strength` is not above zero, a user is unknown, or lengths differ.
        """
        return self._equations.one(users, counts, prior=prior, strength=strength)

    def tracks(
        self,
        matrix: sp.csr_matrix,
        *,
        priors: FloatArray | None = None,
        strength: float = 1.0,
        progress: Progress | None = None,
    ) -> FloatArray:
        """Return the factors of many tracks, equal to `track` of each up to float32 rounding.

        Parameters
        ----------
        matrix : csr_matrix of float32, shape (n_tracks, n_users)
            Plays; the transpose of a matrix of users x tracks.
        priors : ndarray of float32, shape (n_tracks, factors), optional
        strength : float
            As in `track`.
        progress : callable, optional
            Called with (tracks done, tracks in all, "fold-in").

        Returns
        -------
        ndarray of float32, shape (n_tracks, factors)

        Raises
        ------
        DataError
            See `track`.
        """
        return self._equations.many(matrix, priors=priors, strength=strength, progress=progress)
