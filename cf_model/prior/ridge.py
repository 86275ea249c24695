"""Ridge regression of many outputs with an intercept, for many penalties at the cost of one.

Hastie, Tibshirani, Friedman, "The Elements of Statistical Learning", 2009, section 3.4.1.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields
from functools import reduce
from operator import add, sub
from typing import Any

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]
DoubleArray = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Moments:
    """Sums over rows of features (n, r) and outputs (n, f), from which a ridge follows.

    Attributes
    ----------
    size : int
        Rows.
    features, outputs : ndarray of float64, shapes (r,) and (f,)
        Sums.
    gram, cross : ndarray of float64, shapes (r, r) and (r, f)
        Sums of products.
    """

    size: int
    features: DoubleArray
    outputs: DoubleArray
    gram: DoubleArray
    cross: DoubleArray

    @classmethod
    def of(cls, features: FloatArray, outputs: FloatArray) -> Moments:
        """Sum up some rows."""
        sums = (part.sum(axis=0, dtype=np.float64) for part in (features, outputs))
        products = ((features.T @ part).astype(np.float64) for part in (features, outputs))
        return cls(len(features), *sums, *products)

    def __add__(self, other: Moments) -> Moments:
        """Take further rows in."""
        return self._with(other, add)

    def __sub__(self, other: Moments) -> Moments:
        """Leave out some of the rows."""
        return self._with(other, sub)

    def _with(self, other: Moments, combine: Callable[[Any, Any], Any]) -> Moments:
        names = [field.name for field in fields(self)]
        return Moments(*(combine(getattr(self, n), getattr(other, n)) for n in names))


def sum_up(parts: Iterable[Moments]) -> Moments:
    """Return the moments of the rows of all parts, of which there must be one at least."""
    return reduce(add, parts)


@dataclass(frozen=True, eq=False)
class Ridge:
    """A ridge regression that is solved but for its penalty.

    Attributes
    ----------
    axes : ndarray of float64, shape (r, r)
        Those of the features' covariance.
    values : ndarray of float64, shape (r,)
        Eigenvalues of the centred Gram matrix.
    cross : ndarray of float64, shape (r, f)
        Centred products of features and outputs, along the axes.
    features, outputs : ndarray of float64, shapes (r,) and (f,)
        Means.
    """

    axes: DoubleArray
    values: DoubleArray
    cross: DoubleArray
    features: DoubleArray
    outputs: DoubleArray

    @classmethod
    def of(cls, moments: Moments) -> Ridge:
        """Decompose once; every penalty is then a division."""
        features, outputs = moments.features / moments.size, moments.outputs / moments.size
        gram = moments.gram - moments.size * np.outer(features, features)
        cross = moments.cross - moments.size * np.outer(features, outputs)
        values, axes = np.linalg.eigh(gram)
        return cls(axes, np.maximum(values, 0), axes.T @ cross, features, outputs)

    def solve(self, penalty: float) -> tuple[DoubleArray, DoubleArray]:
        """Return weights (r, f) and intercept (f,) of a penalty above zero."""
        weights = self.axes @ (self.cross / (self.values + penalty)[:, None])
        return weights, self.outputs - self.features @ weights
