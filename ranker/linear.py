"""The line that the trees start from: a conditional logit over the features.

McFadden, "Conditional Logit Analysis of Qualitative Choice Behavior", 1974: of the candidates of a
query, the one with row x is chosen with a probability proportional to exp(w . x). Trees cut a
feature into steps and lose the order within each; the line keeps it, and is learnt from little.

Tracks that nobody has played have weights of their own: the product of factors, say, is a fact of
the one track and a guess about the other.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from ranker.features import FEATURES, LISTENERS, unplayed

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
    unplayed : tuple of float, length len(FEATURES), optional
        The weights of tracks that nobody has played; by default those of all others.
    offset : float
        What these tracks have beside, since nobody has played them.
    """

    means: tuple[float, ...]
    weights: tuple[float, ...]
    unplayed: tuple[float, ...] | None = None
    offset: float = 0.0

    def contributions(self, table: FloatMatrix) -> FloatVector:
        """Return what each feature adds to each score, shape (m, len(FEATURES))."""
        moved = np.nan_to_num(table - np.array(self.means, np.float32), nan=0.0)
        added = np.asarray(moved * np.array(self.weights))
        if self.unplayed is not None:
            rows = np.flatnonzero(unplayed(table))
            added[rows] = moved[rows] * np.array(self.unplayed)
            added[rows, LISTENERS] += self.offset
        return added

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
        L2, on weights of features scaled to a variance of 1 among the tracks that they are of.
    """
    from scipy.optimize import minimize  # a fifth of a second that servers don't need

    means = _means(table)
    new = unplayed(table)
    parts = [_Part.of(table, labels, rows, means) for rows in (~new, new)]
    starts = np.r_[0, np.cumsum(sizes)[:-1]]
    chosen = np.add.reduceat(labels, starts, dtype=np.float64)
    width, right = len(FEATURES), float(labels[new].sum())

    def loss(weights: FloatVector) -> tuple[float, FloatVector]:
        scores = np.empty(len(table), np.float32)
        for part, own in zip(parts, (weights[:width], weights[width:-1]), strict=True):
            scores[part.rows] = part.moved @ own.astype(np.float32)
        scores[parts[1].rows] += np.float32(weights[-1])
        scores -= np.repeat(np.maximum.reduceat(scores, starts), sizes)
        odds = np.exp(scores.astype(np.float64))
        totals = np.add.reduceat(odds, starts)
        share = (odds * np.repeat(chosen / totals, sizes)).astype(np.float32)
        value = chosen @ np.log(totals) - labels @ scores + penalty / 2 * weights @ weights
        slopes = [share[part.rows] @ part.moved - part.wanted for part in parts]
        offset = share[parts[1].rows].sum(dtype=np.float64) - right
        return float(value), np.r_[*slopes, offset] + penalty * weights

    bounds = [(0 if f.monotone else None, None) for f in FEATURES] * 2 + [(None, None)]
    found = minimize(
        loss, np.zeros(len(bounds)), jac=True, bounds=bounds, options={"maxiter": _STEPS}
    )
    played, others = found.x[:width] * parts[0].scale, found.x[width:-1] * parts[1].scale
    line = Line(tuple(means.tolist()), tuple(played.tolist()))
    if not parts[1].rows.size:
        return line
    return replace(line, unplayed=tuple(others.tolist()), offset=float(found.x[-1]))


@dataclass(frozen=True, eq=False)
class _Part:
    """The candidates that have their own weights.

    Attributes
    ----------
    rows : ndarray of int64, shape (m,)
    moved : ndarray of float32, shape (m, p)
        Their features, less the means, of variance 1; 0 where not known.
    scale : ndarray of float64, shape (p,)
        What features were multiplied by.
    wanted : ndarray of float64, shape (p,)
        Sum of the rows that were listened to.
    """

    rows: npt.NDArray[np.int64]
    moved: FloatMatrix
    scale: FloatVector
    wanted: FloatVector

    @classmethod
    def of(
        cls,
        table: FloatMatrix,
        labels: npt.NDArray[np.int8],
        chosen: npt.NDArray[np.bool_],
        means: FloatVector,
    ) -> _Part:
        rows = np.flatnonzero(chosen)
        moved = table[rows] - means.astype(np.float32)
        moved[np.isnan(moved)] = 0
        spread = moved.std(axis=0, dtype=np.float64) if rows.size else np.zeros(len(means))
        of_user = np.array([f.signal == "user" for f in FEATURES])
        scale = np.where((spread > 1e-9) & ~of_user, 1 / np.maximum(spread, 1e-9), 0)
        moved *= scale.astype(np.float32)
        wanted = moved[labels[rows] > 0].sum(axis=0, dtype=np.float64)
        return cls(rows, moved, scale, wanted)


def _means(table: FloatMatrix) -> FloatVector:
    """Return the means of what is known, 0 where nothing is."""
    told = np.isfinite(table).any(axis=0)
    means = np.zeros(table.shape[1])
    means[told] = np.nanmean(table[:, told], axis=0)
    return means
