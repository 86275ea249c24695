"""From embeddings to points in a plane."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from sklearn.decomposition import PCA
from threadpoolctl import threadpool_limits

from data.checks import check_choice
from data.errors import DataError
from engine.maps.layouts import by_tsne, by_umap

FloatMatrix = npt.NDArray[np.float32]
DoubleMatrix = npt.NDArray[np.float64]

METHODS = ("pca", "tsne", "umap")

_MIN_TRACKS = 3
_FEW = 10  # tracks: below that everything is a neighbour of everything
_WIDTH = 50  # directions of greatest variance that neighbours are looked for in


def project(embeddings: FloatMatrix, *, method: str = "tsne", seed: int = 0) -> FloatMatrix:
    """Project embeddings to two dimensions.

    Parameters
    ----------
    embeddings : ndarray of float32, shape (m, d)
        Finite, one row a track. Distances are Euclidean; between rows of length 1, as those of a
        bundle, they rank as cosines do.
    method : str
        "pca": the two directions of greatest variance, exactly; distances keep their meaning.
        "tsne", "umap": neighbours stay neighbours, distances between clusters mean little; see
        `engine.maps.layouts`. Both look at the 50 directions of greatest variance, start from the
        PCA, and give way to it below 10 tracks.
    seed : int
        The same seed gives the same map on one machine: everything runs on one thread, since
        sums of several threads come in any order, and so would the map.

    Returns
    -------
    ndarray of float32, shape (m, 2)
        Centred; the farther-reaching axis spans -1..1, and the other keeps its proportion to it.

    Raises
    ------
    ParameterError
        If the method is unknown.
    DataError
        If there are fewer than 3 tracks, or an embedding is not finite.
    """
    check_choice("method", method, METHODS)
    check_embeddings(embeddings)
    if not np.ptp(embeddings, axis=0).any():
        return np.zeros((len(embeddings), 2), np.float32)  # all the same: one point
    with threadpool_limits(1):
        rows = _main_directions(np.asarray(embeddings, np.float64))
        if method == "pca" or len(rows) < _FEW:
            return _scale(rows[:, :2])
        return _scale((by_tsne if method == "tsne" else by_umap)(rows, seed=seed))


def check_embeddings(embeddings: FloatMatrix) -> None:
    """Raise `DataError` unless there are enough finite rows for a map."""
    if embeddings.ndim != 2 or len(embeddings) < _MIN_TRACKS:
        raise DataError(
            f"A map needs at least {_MIN_TRACKS} tracks with an embedding. "
            f"Received: shape {embeddings.shape}. Run `segue embed`, or import embeddings."
        )
    if not np.isfinite(embeddings).all():
        raise DataError("Embeddings must be finite. Import or compute them again.")


def _main_directions(rows: DoubleMatrix) -> DoubleMatrix:
    """Return the PCA of shape (m, min(50, d, m)), but at least 2 columns."""
    if rows.shape[1] == 1:
        rows = np.column_stack([rows, np.zeros(len(rows))])
    # Both solvers are exact; the covariance is quicker to take apart where it is the smaller.
    solver = "covariance_eigh" if len(rows) >= rows.shape[1] else "full"
    pca = PCA(min(_WIDTH, *rows.shape), svd_solver=solver)
    directions: DoubleMatrix = pca.fit_transform(rows)
    return directions


def _scale(points: DoubleMatrix) -> FloatMatrix:
    centred = points - (points.min(axis=0) + points.max(axis=0)) / 2
    scaled: FloatMatrix = np.clip(centred / np.abs(centred).max(), -1, 1).astype(np.float32)
    return scaled
