"""Intervals by resampling users.

Users, not plays, are the independent units. The percentile bootstrap of Efron and Tibshirani,
"An Introduction to the Bootstrap" (1993), chapter 13: draw as many users with replacement as there
are, take the mean, repeat, and read the interval off the quantiles of the means.

Every column is resampled with the same draws. A difference between two systems, taken user by
user before it is resampled, is therefore a paired comparison: what makes a user easy or hard for
both systems cancels.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from data.checks import check_positive
from data.errors import DataError, ParameterError

FloatArray = npt.NDArray[np.float64]

_CHUNK = 4_000_000  # draws held at once: 32 MB


@dataclass(frozen=True)
class Estimate:
    """A mean over users, and the bounds of its interval (None for a measure without one)."""

    mean: float
    low: float | None = None
    high: float | None = None

    @property
    def excludes_zero(self) -> bool:
        """Whether the whole interval lies on one side of zero."""
        return self.low is not None and self.high is not None and self.low * self.high > 0

    def as_dict(self) -> dict[str, float | None]:
        """Return the fields by name."""
        return {"mean": self.mean, "low": self.low, "high": self.high}


def intervals(
    values: FloatArray, *, resamples: int = 1000, level: float = 0.95, seed: int = 0
) -> list[Estimate]:
    """Return the mean of each column with its bootstrap interval.

    Parameters
    ----------
    values : ndarray of float64, shape (m, q)
        One row a user, one column a measure.
    resamples : int
        Number of resamples.
    level : float
        Coverage of the interval, between 0 and 1.
    seed : int
        The same seed and number of users give the same draws.

    Returns
    -------
    list of Estimate, length q

    Raises
    ------
    DataError
        If there is no user.
    ParameterError
        If a number is out of range.
    """
    _check(values, resamples, level)
    sums = [counts @ values for counts in _draws(len(values), resamples, seed)]
    means = np.concatenate(sums) / len(values)  # (resamples, q)
    return _estimates(values, means, level)


def clustered_intervals(
    values: FloatArray,
    clusters: npt.NDArray[np.integer],
    *,
    resamples: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> list[Estimate]:
    """Return the mean of each column, with an interval from resampling whole clusters of rows.

    Rows of one cluster, such as the tracks of one artist, resemble each other, so they are drawn
    together; a resample's mean is over all rows that it holds.

    Parameters
    ----------
    values : ndarray of float64, shape (m, q)
        One row an item, one column a measure.
    clusters : ndarray of int, shape (m,)
        The cluster of each row.
    resamples, level, seed
        See `intervals`.

    Returns
    -------
    list of Estimate, length q

    Raises
    ------
    DataError
        If there is no row.
    ParameterError
        If a number is out of range.
    """
    _check(values, resamples, level)
    return _estimates(values, _clustered_means(values, clusters, resamples, seed=seed), level)


def clustered_ratios(
    values: FloatArray,
    baselines: FloatArray,
    clusters: npt.NDArray[np.integer],
    *,
    resamples: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> list[Estimate | None]:
    """Return how many times the mean of its baseline the mean of each column is.

    Both means are taken over the same draws of clusters, so that the comparison is paired: a
    resample of hard rows is hard for both.

    Parameters
    ----------
    values, baselines : ndarray of float64, shape (m, q)
        One row an item, one column a measure.
    clusters : ndarray of int, shape (m,)
        See `clustered_intervals`.
    resamples, level, seed
        See `intervals`.

    Returns
    -------
    list of Estimate or None, length q
        The ratio of the means over all rows, with its interval; without bounds where the baseline
        is 0 in some resample, None where it is 0 over all rows.

    Raises
    ------
    DataError
        If there is no row.
    ParameterError
        If a number is out of range.
    """
    _check(values, resamples, level)
    both = _clustered_means(np.hstack([values, baselines]), clusters, resamples, seed=seed)
    above, below = np.hsplit(both, 2)  # each (resamples, q)
    ratios = np.divide(above, below, out=np.zeros_like(above), where=below != 0)
    low, high = np.quantile(ratios, [(1 - level) / 2, (1 + level) / 2], axis=0)
    bounded = np.all(below != 0, axis=0).tolist()
    tops, bottoms = values.mean(axis=0), baselines.mean(axis=0)
    found: list[Estimate | None] = []
    for i, bottom in enumerate(bottoms.tolist()):
        bounds = (float(low[i]), float(high[i])) if bounded[i] else (None, None)
        found.append(None if bottom == 0 else Estimate(float(tops[i]) / bottom, *bounds))
    return found


def clustered_sums(
    values: FloatArray, clusters: npt.NDArray[np.integer], *, resamples: int = 1000, seed: int = 0
) -> FloatArray:
    """Return the sum of each column in resamples of whole clusters, shape (resamples, q).

    For statistics of several sums, such as the difference of two ratios; see `clustered_intervals`.

    Parameters
    ----------
    values : ndarray of float64, shape (m, q)
        One row an item, one column a measure.
    clusters : ndarray of int, shape (m,)
        The cluster of each row.
    resamples, seed
        See `intervals`.
    """
    _, codes = np.unique(clusters, return_inverse=True)
    totals = np.zeros((int(codes.max(initial=-1)) + 1, values.shape[1]))
    np.add.at(totals, codes, values)
    return np.concatenate([counts @ totals for counts in _draws(len(totals), resamples, seed)])


def _clustered_means(
    values: FloatArray, clusters: npt.NDArray[np.integer], resamples: int, *, seed: int
) -> FloatArray:
    """Return the means of the columns in resamples of whole clusters, shape (resamples, q)."""
    counted = np.column_stack([values, np.ones(len(values))])
    sums = clustered_sums(counted, clusters, resamples=resamples, seed=seed)
    means: FloatArray = sums[:, :-1] / sums[:, -1:]
    return means


def _check(values: FloatArray, resamples: int, level: float) -> None:
    check_positive("resamples", resamples, integer=True)
    if not 0 < level < 1:
        raise ParameterError(f"`level` must lie between 0 and 1. Received: {level!r}.")
    if not len(values):
        raise DataError("An interval needs at least one user. Received: none.")


def _estimates(values: FloatArray, means: FloatArray, level: float) -> list[Estimate]:
    """Return the means of `values`, with the quantiles of resampled `means`, (resamples, q)."""
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2], axis=0)
    middle = values.mean(axis=0)
    return [
        Estimate(float(m), float(a), float(b)) for m, a, b in zip(middle, low, high, strict=True)
    ]


def _draws(users: int, resamples: int, seed: int) -> Iterator[FloatArray]:
    """Yield how often each user is drawn in each resample, shape (some, users)."""
    rng = np.random.default_rng(seed)
    step = max(1, _CHUNK // users)
    for first in range(0, resamples, step):
        rows = min(step, resamples - first)
        drawn = rng.integers(users, size=(rows, users))
        drawn += np.arange(rows)[:, np.newaxis] * users  # one counter a row and user
        counts = np.bincount(drawn.ravel(), minlength=rows * users)
        yield counts.reshape(rows, users).astype(np.float64)
