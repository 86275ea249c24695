"""Scores of a ranker as probabilities, without a change of order.

Isotonic regression finds the rising step function nearest to the labels (Zadrozny and Elkan,
"Transforming Classifier Scores into Accurate Multiclass Probability Estimates", KDD 2002). Between
the middles of its steps the curve here is straight, so that of two scores on one step the higher
one still is the likelier, and outside of them it goes on along a logistic curve's tails.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from data.errors import DataError

FloatVector = npt.NDArray[np.float64]

_KNOTS = 64  # steps that are kept at most: enough for a curve, little to store
_RISE = 1e-9  # of a step over the one before; less may be rounding, and scores between would tie
_PRIOR = 1.0  # listens and misses each that a step is thought to have had before it was seen


@dataclass(frozen=True)
class Calibration:
    """A rising curve from scores to probabilities.

    Attributes
    ----------
    scores, probabilities : tuple of float
        Its knots, both strictly rising; probabilities above 0 and below 1.

    Raises
    ------
    DataError
        If they are not so.
    """

    scores: tuple[float, ...]
    probabilities: tuple[float, ...]

    def __post_init__(self) -> None:
        x, y = np.array(self.scores), np.array(self.probabilities)
        rising = (
            x.shape == y.shape and x.size > 0 and (np.diff(x) > 0).all() and (np.diff(y) > 0).all()
        )
        if not rising or not (y[0] > 0 and y[-1] < 1) or not np.isfinite(x).all():
            raise DataError("The knots of a calibration must rise, from above 0 to below 1.")

    def __call__(self, scores: npt.NDArray[np.floating]) -> FloatVector:
        """Return the probability of each score, of the same shape; higher for a higher score."""
        x = np.asarray(scores, np.float64)
        knots, logits = np.array(self.scores), _logit(np.array(self.probabilities))
        # The first knot that is no lower: rounding must not lift what stands before it above it.
        ceiling = logits[np.minimum(np.searchsorted(knots, x), knots.size - 1)]
        within = np.minimum(np.interp(x, knots, logits), ceiling)
        beyond = np.minimum(x - knots[0], 0) + np.maximum(x - knots[-1], 0)
        found: FloatVector = 1 / (1 + np.exp(-(within + beyond)))
        return found


def calibrate(scores: npt.NDArray[np.floating], labels: npt.NDArray[np.floating]) -> Calibration:
    """Learn how likely scores are.

    Parameters
    ----------
    scores : ndarray of shape (m,)
        Of candidates that the ranker was not trained on.
    labels : ndarray of shape (m,)
        1 where the user listened, 0 where not.

    Raises
    ------
    DataError
        If there is no score.
    """
    if not len(scores):
        raise DataError("A calibration needs scores. Received: none.")
    from sklearn.isotonic import IsotonicRegression  # half a second that servers don't need

    x = np.asarray(scores, np.float64)
    fitted = IsotonicRegression(out_of_bounds="clip").fit_transform(x, labels)
    order = np.argsort(x, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(fitted[order]) > 0])
    sizes = np.diff(np.r_[starts, x.size])
    middles = np.add.reduceat(x[order], starts) / sizes
    hits = np.add.reduceat(np.asarray(labels, np.float64)[order], starts)
    return _of_steps(middles, hits, sizes.astype(np.float64))


def _of_steps(middles: FloatVector, hits: FloatVector, sizes: FloatVector) -> Calibration:
    """Make knots of steps: neighbours are joined until few are left and all of them rise."""
    while len(sizes) > _KNOTS:
        joined = int(np.argmin(sizes[:-1] + sizes[1:]))
        middles, hits, sizes = _join(joined, middles, hits, sizes)
    rates = (hits + _PRIOR * hits.sum() / sizes.sum()) / (sizes + _PRIOR)
    while (falling := (np.diff(rates) <= _RISE) | (np.diff(middles) <= 0)).any():
        middles, hits, sizes = _join(int(np.argmax(falling)), middles, hits, sizes)
        rates = (hits + _PRIOR * hits.sum() / sizes.sum()) / (sizes + _PRIOR)
    rates = np.clip(rates, 1e-6, 1 - 1e-6)
    kept = np.r_[True, np.diff(rates) > 0]
    return Calibration(tuple(middles[kept].tolist()), tuple(rates[kept].tolist()))


def _join(
    at: int, middles: FloatVector, hits: FloatVector, sizes: FloatVector
) -> tuple[FloatVector, FloatVector, FloatVector]:
    """Make one step of the step `at` and the next one."""
    both = sizes[at] + sizes[at + 1]
    middle = (middles[at] * sizes[at] + middles[at + 1] * sizes[at + 1]) / both
    parts = ((middles, middle), (hits, hits[at] + hits[at + 1]), (sizes, both))
    first, second, third = (np.r_[a[:at], value, a[at + 2 :]] for a, value in parts)
    return first, second, third


def _logit(p: FloatVector) -> FloatVector:
    return np.asarray(np.log(p / (1 - p)))
