"""The kernel that says how alike two tracks sound, by a few landmarks.

Embeddings are brought to length 1, whitened, and compared by an inverse multiquadric that reaches
half as far as they typically lie apart. Unlike a Gaussian it tells neighbours apart and still knows
of what is far away (Rasmussen and Williams, "Gaussian Processes for Machine Learning", 2006,
equation 4.19 with exponent 1/2). A ridge regression over all pairs of tracks would cost n^3, so the
kernel is approximated by m landmarks, K among themselves (Williams and Seeger, "Using the Nystroem
Method to Speed Up Kernel Machines", NIPS 2000)::

    k(x, y) ~ phi(x) . phi(y),   phi(x) = k(x, landmarks) K^(-1/2)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from data.vectors import unit_rows

FloatArray = npt.NDArray[np.float32]

_RIDGE = 0.1  # of the mean variance: directions with far less are not blown up to that of others
_REACH = 0.25  # of the median squared distance
_FLOOR = 1e-6  # of the greatest eigenvalue: below that it is rounding


@dataclass(frozen=True, eq=False)
class LandmarkKernel:
    """How alike tracks sound to the landmarks: `1 / sqrt(1 + |x - landmark|^2 / reach)`, whitened.

    Attributes
    ----------
    centre : ndarray of float32, shape (d,)
        Mean of the embeddings.
    whitener : ndarray of float32, shape (d, d)
        Turns the axes into those of the embeddings' covariance, all of about the same variance.
    landmarks : ndarray of float32, shape (m, d)
        Whitened.
    reach : float
        In squared whitened units.
    """

    centre: FloatArray
    whitener: FloatArray
    landmarks: FloatArray
    reach: float

    @classmethod
    def fit(
        cls, embeddings: FloatArray, landmarks: int, *, rng: np.random.Generator
    ) -> LandmarkKernel:
        """Whiten embeddings, and draw landmarks among them.

        Parameters
        ----------
        embeddings : ndarray of float32, shape (n, d)
            Of tracks that have one; their length does not matter.
        landmarks : int
            At most so many.
        rng : numpy.random.Generator
            Draws them.
        """
        rows = unit_rows(embeddings)
        centre = np.asarray(rows.mean(axis=0, dtype=np.float64), dtype=np.float32)
        whitener = _whitener(rows - centre)
        drawn = np.sort(rng.permutation(len(rows))[:landmarks])
        white = _white(rows[drawn], centre, whitener)
        reach = _REACH * _median(_squared_distances(white, white))
        return cls(centre, whitener, white, reach)

    def values(self, embeddings: FloatArray) -> FloatArray:
        """Return the kernel between tracks and landmarks, 0 to 1, shape (n, m)."""
        white = _white(unit_rows(embeddings), self.centre, self.whitener)
        return self._of(_squared_distances(white, self.landmarks))

    def inverse_root(self) -> FloatArray:
        """Return K^(-1/2) of the landmarks, without directions in which K has nothing, (m, r)."""
        kernel = self._of(_squared_distances(self.landmarks, self.landmarks))
        values, vectors = np.linalg.eigh(kernel.astype(np.float64))
        kept = values > _FLOOR * values[-1]
        root: FloatArray = (vectors[:, kept] / np.sqrt(values[kept])).astype(np.float32)
        return root

    def _of(self, squared_distances: FloatArray) -> FloatArray:
        alike: FloatArray = squared_distances / np.float32(self.reach)
        alike += 1
        np.sqrt(alike, out=alike)
        return np.reciprocal(alike, out=alike)


def _whitener(centred: FloatArray) -> FloatArray:
    covariance = centred.T.astype(np.float64) @ centred / len(centred)
    variances, axes = np.linalg.eigh(covariance)
    # The floor is for embeddings that are all the same.
    floor = _RIDGE * np.mean(variances) + np.finfo(np.float32).tiny
    whitener: FloatArray = (axes / np.sqrt(np.maximum(variances, 0) + floor)).astype(np.float32)
    return whitener


def _white(rows: FloatArray, centre: FloatArray, whitener: FloatArray) -> FloatArray:
    white: FloatArray = np.matmul(rows - centre, whitener)  # (n, d) @ (d, d)
    return white


def _squared_distances(a: FloatArray, b: FloatArray) -> FloatArray:
    squares: FloatArray = (a * a).sum(axis=1)[:, None] + (b * b).sum(axis=1) - 2 * (a @ b.T)
    np.maximum(squares, 0, out=squares)
    return squares


def _median(squared_distances: FloatArray) -> float:
    """Return the median between two landmarks; 1 where all of them sound the same."""
    apart = squared_distances[np.triu_indices(len(squared_distances), 1)]
    return float(np.median(apart)) if apart.size and np.median(apart) > 0 else 1.0
