"""The line that the trees start from: a conditional logit over the features.

McFadden, "Conditional Logit Analysis of Qualitative Choice Behavior", 1974: of the candidates of a
query, the one with row x is chosen with a probability proportional to exp(w . x). Trees cut a
feature into steps and lose the order within each; the line keeps it, and is learnt from little.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ranker.features import FEATURES

FloatMatrix = npt.NDArray[np.float32]
FloatVector = npt.NDArray[np.float64]

_STEPS = 200  # of the optimiser: it converges in some fifty
_ROWS = 65_536  # scored at once: 15 MB of float64


@dataclass(frozen=True)
class Line:
    """Weights of the features, in their order.

    Attributes
    ----------
    means, weights : tuple of float, length len(FEATURES)
        Score = sum of weight * (value - mean); a value that is not known adds nothing.
    """

    means: tuple[float, ...]
    weights: tuple[float, ...]

    def contributions(self, table: FloatMatrix) -> FloatVector:
        """Return what each feature adds to each score, shape (m, len(FEATURES))."""
        moved = np.nan_to_num(table - np.array(self.means, np.float32), nan=0.0)
        return np.asarray(moved * np.array(self.weights))

    def scores(self, table: FloatMatrix) -> FloatVector:
        """Return scores of shape (m,)."""
        # Added up row by row: a matrix product adds up some rows in another order, and equal rows
        # would differ in the last digit, and not tie.
        found = np.empty(len(table))
        for first in range(0, len(table), _ROWS):
            rows = slice(first, first + _ROWS)
            found[rows] = self.contributions(table[rows]).sum(axis=1)
        return found


def train_line(
    table: FloatMatrix,
    labels: npt.NDArray[np.int8],
    sizes: npt.NDArray[np.int64],
    *,
    penalty: float = 10.0,
) -> Line:
    """Fit the weights by penalised maximum likelihood.

    What is the same for all candidates of a query gets no weight, and what may only speak for a
    track (`Feature.monotone`) none below 0.

    Parameters
    ----------
    table, labels, sizes
        As in `ranker.lambdamart.RankingData`.
    penalty : float
        L2, on weights of features scaled to a variance of 1.
    """
    from scipy.optimize import minimize  # a fifth of a second that servers don't need

    known = np.isfinite(table)
    told = known.any(axis=0)
    means = np.zeros(table.shape[1])
    means[told] = np.nanmean(table[:, told], axis=0)
    moved = np.where(known, table - means.astype(np.float32), np.float32(0))
    spread = moved.std(axis=0, dtype=np.float64)
    of_user = np.array([f.signal == "user" for f in FEATURES])
    scale = np.where((spread > 1e-9) & ~of_user, 1 / np.maximum(spread, 1e-9), 0)
    moved *= scale.astype(np.float32)
    starts = np.r_[0, np.cumsum(sizes)[:-1]]
    chosen = np.add.reduceat(labels, starts, dtype=np.float64)
    wanted = moved[labels > 0].sum(axis=0, dtype=np.float64)  # (p,)

    def loss(weights: FloatVector) -> tuple[float, FloatVector]:
        scores = moved @ weights.astype(np.float32)
        scores -= np.repeat(np.maximum.reduceat(scores, starts), sizes)
        odds = np.exp(scores.astype(np.float64))
        totals = np.add.reduceat(odds, starts)
        share = (odds * np.repeat(chosen / totals, sizes)).astype(np.float32)
        value = chosen @ np.log(totals) - labels @ scores + penalty / 2 * weights @ weights
        return float(value), share @ moved - wanted + penalty * weights

    bounds = [(0 if f.monotone else None, None) for f in FEATURES]
    found = minimize(
        loss, np.zeros(len(scale)), jac=True, bounds=bounds, options={"maxiter": _STEPS}
    )
    return Line(tuple(means.tolist()), tuple((found.x * scale).tolist()))
