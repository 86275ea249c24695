"""Whitening: the last linear layer of a network, computed from what it makes of its training sound.

After contrastive training a few directions hold most of the variance, and cosines follow those few.
Whitening evens the directions out.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]

_RIDGE = 1e-4  # of the mean variance: directions without any are not blown up


def whitening_layer(
    vectors: npt.NDArray[np.floating], power: float
) -> tuple[FloatArray, FloatArray]:
    """Return the kernel and the bias of a dense layer that centres and whitens.

    With covariance U diag(v) U^T about the mean m: kernel U diag(v + ridge)^(-power / 2) U^T and
    bias -m kernel, scaled so that the total variance stays. Power 1 whitens in full, 0 only
    centres. Of all rotations, which cosines don't see, this one moves vectors least.

    Parameters
    ----------
    vectors : ndarray, shape (n, d)
        At least one row. With fewer rows than dimensions the ridge decides on the rest.
    power : float
        From 0 to 1.

    Returns
    -------
    kernel : ndarray of float32, shape (d, d)
    bias : ndarray of float32, shape (d,)
    """
    x = np.asarray(vectors, np.float64)
    mean = x.mean(axis=0)
    covariance = (x - mean).T @ (x - mean) / len(x)
    variance, directions = np.linalg.eigh(covariance)
    total = variance.clip(min=0).sum()
    if total == 0:  # nothing varies: nothing can be evened out
        return np.eye(x.shape[1], dtype=np.float32), np.zeros(x.shape[1], np.float32)
    variance = variance.clip(min=0) + _RIDGE * total / len(variance)
    kernel = directions * variance ** (-power / 2) @ directions.T
    kernel *= np.sqrt(total / np.trace(kernel.T @ covariance @ kernel))
    return kernel.astype(np.float32), (-mean @ kernel).astype(np.float32)
