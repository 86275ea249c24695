"""The space in which sounds are compared: centred and whitened over the catalogue.

Raw embeddings share a large common part, and a few directions hold most of what varies, so their
cosines follow those few. Here the catalogue has no common part, and varies alike in all directions.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from data.vectors import unit_rows

FloatMatrix = npt.NDArray[np.float32]
Bools = npt.NDArray[np.bool_]

_SAMPLE = 20_000  # tracks that mean and covariance are computed from: far more than dimensions


@dataclass(frozen=True, eq=False)
class SoundSpace:
    """An affine map of embeddings.

    Attributes
    ----------
    mean : ndarray of float32, shape (d,)
        Subtracted from each embedding.
    kernel : ndarray of float32, shape (d, d)
        Symmetric; multiplied to what is left.
    """

    mean: npt.NDArray[np.float32]
    kernel: FloatMatrix

    @classmethod
    def of(cls, embeddings: FloatMatrix, *, whiten: bool = True) -> SoundSpace:
        """Compute the space of a catalogue.

        With n tracks of mean m and covariance U diag(v) U^T in d dimensions, the kernel is
        U diag(v + ridge)^(-1/2) U^T. Of few tracks neither is known well, so both are shrunk: the
        mean to n / (n + d) of m, the covariance by a ridge of d / n times the mean of v. Between
        n = 0 (raw cosines) and n >> d (whitened in full) there is no step.

        Parameters
        ----------
        embeddings : ndarray of float32, shape (t, d)
            Normalised to length 1; a zero row for a track without an embedding.
        whiten : bool
            If not, embeddings stay as they are.
        """
        width = embeddings.shape[1]
        known = _sample(embeddings)
        if not whiten or not len(known):
            return cls(np.zeros(width, np.float32), np.eye(width, dtype=np.float32))
        mean = known.mean(axis=0)
        covariance = (known - mean).T @ (known - mean) / len(known)
        variance, directions = np.linalg.eigh(covariance)
        variance = variance.clip(min=0)
        scale = variance.mean() or 1.0  # where nothing varies there is nothing to even out
        even = (variance / scale + width / len(known)) ** -0.5
        kernel = directions * even @ directions.T
        shrunk = mean * (len(known) / (len(known) + width))
        return cls(shrunk.astype(np.float32), kernel.astype(np.float32))

    def unit(self, embeddings: FloatMatrix) -> FloatMatrix:
        """Return embeddings of shape (m, d) in this space, at length 1; zero rows stay zero."""
        moved = np.asarray((embeddings - self.mean) @ self.kernel, dtype=np.float32)
        moved[~embeddings.any(axis=1)] = 0
        return unit_rows(moved)


def _sample(embeddings: FloatMatrix) -> npt.NDArray[np.float64]:
    """Return the known rows, or evenly spaced ones of them, as float64."""
    known = np.flatnonzero(embeddings.any(axis=1))
    step = -(-len(known) // _SAMPLE) or 1
    return np.asarray(embeddings[known[::step]], np.float64)
