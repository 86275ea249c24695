"""From embeddings to points in a plane."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE
from threadpoolctl import threadpool_limits

from data.checks import check_choice
from data.errors import DataError, ParameterError

FloatMatrix = npt.NDArray[np.float32]

METHODS = ("pca", "tsne")
"""Projections that are available."""

_MIN_TRACKS = 3
_PERPLEXITY = 30.0  # scikit-learn's default, for maps that are large enough


def project(embeddings: FloatMatrix, *, method: str = "tsne", seed: int = 0) -> FloatMatrix:
    """Project embeddings to two dimensions.

    Parameters
    ----------
    embeddings : ndarray of float32, shape (m, d)
        Finite, one row a track.
    method : str
        "pca": the two directions of greatest variance; distances keep their meaning.
        "tsne": neighbours stay neighbours (van der Maaten and Hinton, "Visualizing Data using
        t-SNE", JMLR 9, 2008), started from the PCA; distances between clusters mean little.
    seed : int
        The same seed gives the same map on one machine.

    Returns
    -------
    ndarray of float32, shape (m, 2)
        Centred; the farther-reaching axis spans -1..1, and the other keeps its proportion to it.

    Raises
    ------
    ParameterError
        If the method is unknown or not available.
    DataError
        If there are fewer than 3 tracks, or an embedding is not finite.
    """
    if method == "umap":
        known = ", ".join(METHODS)
        raise ParameterError(f"`method` 'umap' is not available yet. Choose one of {known}.")
    check_choice("method", method, METHODS)
    if embeddings.ndim != 2 or len(embeddings) < _MIN_TRACKS:
        raise DataError(
            f"A map needs at least {_MIN_TRACKS} tracks with an embedding. "
            f"Received: shape {embeddings.shape}. Run `segue embed`, or import embeddings."
        )
    if not np.isfinite(embeddings).all():
        raise DataError("Embeddings must be finite. Import or compute them again.")
    rows = np.asarray(embeddings, np.float64)
    if not np.ptp(rows, axis=0).any():
        return np.zeros((len(rows), 2), np.float32)  # all the same: one point
    if rows.shape[1] == 1:
        rows = np.column_stack([rows, np.zeros(len(rows))])
    points = _pca(rows) if method == "pca" else _tsne(rows, seed)
    return _scale(points)


def _pca(rows: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    points: npt.NDArray[np.float64] = PCA(2, svd_solver="full").fit_transform(rows)
    return points


def _tsne(rows: npt.NDArray[np.float64], seed: int) -> npt.NDArray[np.float64]:
    # Perplexity is about how many neighbours a track has; it must stay below their number.
    perplexity = min(_PERPLEXITY, max(1.0, (len(rows) - 1) / 3))
    solver = TSNE(2, init="pca", perplexity=perplexity, random_state=seed)
    # One thread: sums of several threads come in any order, and so would the map; and where cores
    # are busy, threads that wait for one another take many times longer than one that does not.
    with threadpool_limits(1):
        points: npt.NDArray[np.float64] = solver.fit_transform(rows)
    return points


def _scale(points: npt.NDArray[np.float64]) -> FloatMatrix:
    centred = points - (points.min(axis=0) + points.max(axis=0)) / 2
    scaled: FloatMatrix = np.clip(centred / np.abs(centred).max(), -1, 1).astype(np.float32)
    return scaled
