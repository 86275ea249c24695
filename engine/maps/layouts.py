"""Layouts that keep neighbours together: t-SNE and UMAP."""

from __future__ import annotations

import sys
import warnings
from typing import Any

import numpy as np
import numpy.typing as npt
from openTSNE import TSNE
from openTSNE.affinity import PerplexityBasedNN
from openTSNE.nearest_neighbors import PrecomputedNeighbors
from sklearn.neighbors import NearestNeighbors

DoubleMatrix = npt.NDArray[np.float64]

_PERPLEXITY = 30  # t-SNE: about how many neighbours a track has
_UMAP_NEIGHBOURS = 15  # the library's default; counts the track itself


def by_tsne(rows: DoubleMatrix, *, seed: int) -> DoubleMatrix:
    """Lay rows out by t-SNE.

    Parameters
    ----------
    rows : ndarray of float64, shape (m, w)
        At least 10, not all equal, the direction of greatest variance first.
    seed : int

    Returns
    -------
    ndarray of float64, shape (m, 2)

    Notes
    -----
    Van der Maaten and Hinton, "Visualizing Data using t-SNE", JMLR 9, 2008. Repulsion is
    interpolated on a grid from 10,000 rows on (Linderman et al., "Fast interpolation-based t-SNE",
    Nature Methods 16, 2019), so that time grows with m and not with m log m. Neighbours are exact.
    The start is the PCA, whose global arrangement the result keeps (Kobak and Berens, "The art of
    using t-SNE for single-cell transcriptomics", Nature Communications 10, 2019).
    """
    # Three neighbours a unit of perplexity, as in the paper; small maps make do with fewer.
    count = min(3 * _PERPLEXITY, len(rows) - 1)
    neighbours = PrecomputedNeighbors(*_neighbours(rows, count))
    affinities = PerplexityBasedNN(perplexity=count / 3, knn_index=neighbours, n_jobs=1)
    solver = TSNE(n_jobs=1, random_state=seed, initialization=_start(rows, 1e-4, seed))
    return np.array(solver.fit(affinities=affinities), np.float64)


def by_umap(rows: DoubleMatrix, *, seed: int) -> DoubleMatrix:
    """Lay rows out by UMAP.

    Parameters and result as of `by_tsne`.

    Notes
    -----
    McInnes, Healy and Melville, "UMAP: Uniform Manifold Approximation and Projection for Dimension
    Reduction", 2018. Neighbours are exact, and the start is the PCA instead of the eigenvectors of
    the graph, which fall apart where the graph does.
    """
    count = min(_UMAP_NEIGHBOURS, len(rows) - 1)
    others, distances = _neighbours(rows, count - 1)
    itself = np.arange(len(rows))
    known = (
        np.column_stack([itself, others]),
        np.column_stack([np.zeros(len(rows), np.float32), distances.astype(np.float32)]),
        None,  # the index that would place new rows
    )
    with warnings.catch_warnings():
        # It warns that new rows cannot be placed, and that small maps are approximated: neither
        # is so here.
        warnings.simplefilter("ignore", UserWarning)
        solver = _umap().UMAP(
            n_neighbors=count,
            precomputed_knn=known,
            force_approximation_algorithm=True,
            init=_start(rows, 10 / 3, seed),
            random_state=seed,
            n_jobs=1,
        )
        return np.asarray(solver.fit_transform(rows.astype(np.float32)), np.float64)


def _neighbours(rows: DoubleMatrix, count: int) -> tuple[npt.NDArray[np.int64], DoubleMatrix]:
    """Return the nearest other rows, nearest first, and how far they are: shapes (m, count)."""
    # Exact: at 50,000 rows of 50 it takes less than the layout does, and it is the same everywhere.
    distances, others = (
        NearestNeighbors(n_neighbors=count, algorithm="brute").fit(rows).kneighbors()
    )
    return others, distances


def _start(rows: DoubleMatrix, spread: float, seed: int) -> DoubleMatrix:
    """Return the first two columns, scaled to a standard deviation of `spread` along the first."""
    start: DoubleMatrix = rows[:, :2] * (spread / rows[:, 0].std())
    # A little apart, or else equal rows would never part, and rows along a line never leave it.
    return start + np.random.default_rng(seed).normal(0, 1e-3 * spread, start.shape)


def _umap() -> Any:
    """Import umap.

    Imported late, since it takes a second or two and brings a compiler along. It would also import
    TensorFlow, if that is installed, for a variant that is not used here: seconds and half a
    gigabyte. TensorFlow is hidden from it, unless this process has it already.
    """
    hidden = "tensorflow" not in sys.modules
    if hidden:
        sys.modules["tensorflow"] = None  # type: ignore[assignment]  # how Python marks an absence
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it regrets the absence
            import umap
    finally:
        if hidden:
            del sys.modules["tensorflow"]
    return umap
