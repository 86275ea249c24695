"""Learning the content prior: kernel ridge regression, its penalty by cross-validation.

What is kept small is the error of scores, not of factors. With user factors X, the scores of a
track are X y, so an error e of its factor costs e' X'X e. Factors are taken to axes in which that
is the plain square, learnt there, and taken back.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.optimize import nnls

from cf_model.prior.config import PriorConfig
from cf_model.prior.kernel import LandmarkKernel
from cf_model.prior.model import ContentPrior
from cf_model.prior.ridge import Moments, Ridge, sum_up
from data.errors import DataError
from data.threads import one_blas_thread

FloatArray = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int32]
Folds = npt.NDArray[np.int64]

LEAST_TRACKS = 20
"""Tracks with plays and an embedding that it takes to learn a prior."""

PENALTIES = (0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0)
"""Penalties that are compared."""

_COMPARED = 10_000  # tracks to compare them by; as many are held at once
_EMPTY = 1e-6  # of the greatest: below this, no user lies in a direction


def learnable(embeddings: FloatArray, item_factors: FloatArray) -> npt.NDArray[np.bool_]:
    """Return which tracks have both an embedding and a factor, shape (n,)."""
    return np.asarray(embeddings.any(axis=1) & item_factors.any(axis=1))


def train_prior(
    embeddings: FloatArray,
    item_factors: FloatArray,
    user_factors: FloatArray,
    *,
    config: PriorConfig,
    rng: np.random.Generator,
    artists: IntArray | None = None,
) -> ContentPrior:
    """Learn to predict factors from embeddings.

    Every track counts the same, however many listeners it has; docs/behaviour.md says why.

    Parameters
    ----------
    embeddings : ndarray of float32, shape (n, d)
        A zero row for a track without one.
    item_factors : ndarray of float32, shape (n, f)
        As trained; a zero row for a track without plays.
    user_factors : ndarray of float32, shape (n_users, f)
    config : PriorConfig
    rng : numpy.random.Generator
        Draws landmarks and folds. The same state gives the same prior.
    artists : ndarray of int32, shape (n,), optional
        Codes of the artists (see `Catalog.artists`), -1 where unknown. The tracks of one artist
        are left out together, so that the error is that on artists nobody has played.

    Returns
    -------
    ContentPrior

    Raises
    ------
    DataError
        If fewer than `LEAST_TRACKS` tracks have both, or shapes do not fit.
    """
    _check(embeddings, item_factors, user_factors)
    rows = np.flatnonzero(learnable(embeddings, item_factors))
    if rows.size < LEAST_TRACKS:
        raise DataError(
            f"Only {rows.size} tracks have both plays and an embedding; it takes {LEAST_TRACKS} to "
            "learn what sound says of plays. Import more listens or embeddings."
        )
    metric = _metric(user_factors)
    axes, back = _axes(metric)
    known, targets = embeddings[rows], item_factors[rows] @ axes
    fold = _folds(rows, artists, config.folds, rng)
    with one_blas_thread():
        kernel = LandmarkKernel.fit(known, config.landmarks, rng=rng)
        root = kernel.inverse_root()
        some = np.sort(rng.permutation(rows.size)[:_COMPARED])
        penalty, noise = _choose(kernel.values(known[some]) @ root, targets[some], fold[some])
        blocks = (slice(at, at + _COMPARED) for at in range(0, rows.size, _COMPARED))
        moments = sum_up(
            Moments.of(kernel.values(known[block]) @ root, targets[block]) for block in blocks
        )
        weights, offset = Ridge.of(moments).solve(penalty)
    arrays = {
        "centre": kernel.centre,
        "whitener": kernel.whitener,
        "landmarks": kernel.landmarks,
        "reach": np.array([kernel.reach]),
        "weights": root @ (weights @ back),
        "offset": offset @ back,
        "metric": metric,
        "noise": noise,
        "unknown": np.array([(targets * targets).sum(axis=1).mean()]),
    }
    return ContentPrior.of({name: array.astype(np.float32) for name, array in arrays.items()})


def _check(embeddings: FloatArray, items: FloatArray, users: FloatArray) -> None:
    matrices = embeddings.ndim == items.ndim == users.ndim == 2
    if not matrices or len(embeddings) != len(items) or items.shape[1] != users.shape[1]:
        raise DataError(
            "Embeddings and item factors must have one row a track, item and user factors one "
            f"width. Received: {embeddings.shape}, {items.shape} and {users.shape}."
        )


def _metric(user_factors: FloatArray) -> FloatArray:
    """Return the mean of x x' over the users with plays, shape (f, f)."""
    played = user_factors[user_factors.any(axis=1)]
    metric: FloatArray = played.T @ played / np.float32(max(len(played), 1))
    return metric


def _axes(metric: FloatArray) -> tuple[FloatArray, npt.NDArray[np.float64]]:
    """Return A with A A' = metric, and the matrix that undoes it."""
    values, vectors = np.linalg.eigh(metric.astype(np.float64))
    floor = _EMPTY * np.max(values) + np.finfo(np.float32).tiny
    roots = np.sqrt(np.maximum(values, floor))
    return (vectors * roots).astype(np.float32), (vectors / roots).T


def _folds(rows: Folds, artists: IntArray | None, folds: int, rng: np.random.Generator) -> Folds:
    """Deal tracks into parts, those of one artist together."""
    codes = np.full(rows.size, -1, np.int64) if artists is None else artists[rows].astype(np.int64)
    alone = codes.max() + 1 + np.arange(rows.size)
    names, group = np.unique(np.where(codes < 0, alone, codes), return_inverse=True)
    dealt: Folds = (rng.permutation(names.size) % folds)[group]
    return dealt


def _choose(
    features: FloatArray, targets: FloatArray, fold: Folds
) -> tuple[float, npt.NDArray[np.float64]]:
    """Return the penalty with the least error on tracks left out, and the noise that it has."""
    everything = Moments.of(features, targets)
    powers, errors = np.zeros((2, len(PENALTIES), len(fold)))
    for part in np.unique(fold):
        out = fold == part
        ridge = Ridge.of(everything - Moments.of(features[out], targets[out]))
        for at, penalty in enumerate(PENALTIES):
            weights, offset = (array.astype(np.float32) for array in ridge.solve(penalty))
            predicted = features[out] @ weights + offset
            powers[at, out] = (predicted**2).sum(axis=1)
            errors[at, out] = ((predicted - targets[out]) ** 2).sum(axis=1)
    best = int(np.argmin(errors.mean(axis=1)))
    noise, _ = nnls(np.stack([np.ones(len(fold)), powers[best]], axis=1), errors[best])
    return PENALTIES[best], noise
