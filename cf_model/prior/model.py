"""A trained content prior: embedding -> factor, and how far off it may be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from cf_model.prior.kernel import LandmarkKernel
from data.errors import DataError

FloatArray = npt.NDArray[np.float32]

_BLOCK = 8_192  # tracks at once: 32 MiB of kernel values at 1,024 landmarks


@dataclass(frozen=True, eq=False)
class ContentPrior:
    """Predicts factors from embeddings by kernel ridge regression.

    ::

        factor      = k(x, landmarks) @ weights + offset
        uncertainty = noise[0] + noise[1] * power(factor)

    `power` is the mean squared score of a factor over all users, and the uncertainty the squared
    error to be expected of its scores, likewise a mean over all users. `noise` was fitted to the
    errors on tracks that were left out: a track that is thought to be popular can be further off.

    Attributes
    ----------
    centre : ndarray of float32, shape (d,)
    whitener : ndarray of float32, shape (d, d)
    landmarks : ndarray of float32, shape (m, d)
    reach : ndarray of float32, shape (1,)
        See `LandmarkKernel`.
    weights : ndarray of float32, shape (m, f)
    offset : ndarray of float32, shape (f,)
        Factor of a track that sounds like no landmark.
    metric : ndarray of float32, shape (f, f)
        Mean of x x' over the users with plays; `power(y)` is y' metric y.
    noise : ndarray of float32, shape (2,)
        Neither is below zero.
    unknown : ndarray of float32, shape (1,)
        Uncertainty of a track without an embedding, whose factor is taken to be zero: the mean
        `power` of the factors in training.

    Raises
    ------
    DataError
        If a shape does not fit, or a number is not finite.
    """

    centre: FloatArray
    whitener: FloatArray
    landmarks: FloatArray
    reach: FloatArray
    weights: FloatArray
    offset: FloatArray
    metric: FloatArray
    noise: FloatArray
    unknown: FloatArray

    def __post_init__(self) -> None:
        d, m, f = self.centre.shape[-1], self.landmarks.shape[0], self.offset.shape[-1]
        expected = {
            "centre": (d,), "whitener": (d, d), "landmarks": (m, d), "reach": (1,),
            "weights": (m, f), "offset": (f,), "metric": (f, f), "noise": (2,), "unknown": (1,),
        }  # fmt: skip
        for name, array in self.arrays().items():
            if array.shape != expected[name] or not np.isfinite(array).all():
                raise DataError(
                    f"`{name}` of a content prior must be finite, of shape {expected[name]}. "
                    f"Received: {array.shape}. Train again."
                )

    def predict(self, embeddings: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Predict factors.

        Parameters
        ----------
        embeddings : ndarray of float32, shape (n, d)
            Of any length; a zero row for a track without one.

        Returns
        -------
        ndarray of float32, shape (n, f)
            Factors; zeros for a track without an embedding.
        ndarray of float32, shape (n,)
            Uncertainty, above or at zero.

        Raises
        ------
        DataError
            If the embeddings are of another width.
        """
        width = len(self.centre)
        if embeddings.ndim != 2 or embeddings.shape[1] != width:
            raise DataError(
                f"Embeddings must be rows of {width} numbers, like those that the content prior "
                f"learnt from. Received: {embeddings.shape}. Train again."
            )
        factors = np.zeros((len(embeddings), len(self.offset)), np.float32)
        uncertainty = np.full(len(embeddings), self.unknown[0], np.float32)
        known = np.flatnonzero(embeddings.any(axis=1))
        kernel = self._kernel
        for start in range(0, known.size, _BLOCK):
            rows = known[start : start + _BLOCK]
            factors[rows] = kernel.values(embeddings[rows]) @ self.weights + self.offset
            uncertainty[rows] = expected_error(power(factors[rows], self.metric), self.noise)
        return factors, uncertainty

    @property
    def _kernel(self) -> LandmarkKernel:
        return LandmarkKernel(self.centre, self.whitener, self.landmarks, float(self.reach[0]))

    def arrays(self) -> dict[str, FloatArray]:
        """Return everything that it consists of, to be saved by name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @classmethod
    def of(cls, arrays: Mapping[str, FloatArray]) -> ContentPrior:
        """Make a prior of its `arrays` (they may be memory-mapped).

        Raises
        ------
        DataError
            If one is missing, or they do not fit together.
        """
        names = [field.name for field in fields(cls)]
        missing = [name for name in names if name not in arrays]
        if missing:
            raise DataError(f"A content prior lacks `{missing[0]}`. Train again.")
        return cls(**{name: arrays[name] for name in names})


def power(factors: FloatArray, metric: FloatArray) -> FloatArray:
    """Return the mean squared score of each factor over all users, shape (n,)."""
    powers: FloatArray = ((factors @ metric) * factors).sum(axis=1)
    return np.maximum(powers, 0)


def expected_error(powers: FloatArray, noise: FloatArray) -> FloatArray:
    """Return the uncertainty of predictions of some power, shape (n,)."""
    error: FloatArray = noise[0] + noise[1] * powers
    return error
