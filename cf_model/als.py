"""Alternating least squares over implicit feedback.

The objective is equation 3 of Hu, Koren, Volinsky (ICDM 2008), with the penalty of a user or track
scaled by how often it was seen, as in equation 9 of Rendle et al. (RecSys 2022), n rounded to a
power of two (`cf_model/penalty.py`)::

    sum_ui c_ui (p_ui - x_u . y_i)^2 + lambda (sum_u n_u^power |x_u|^2 + sum_i n_i^power |y_i|^2)

`lambda` is `regularization` times `weight_scale`, because its best absolute value depends on how
much was played: as a share of the scale it hardly changes from one data set to another, and it
need not be tuned again as plays come in (docs/behaviour.md has the figures). With
s = weight_scale, item factors are kept divided by sqrt(s) and user factors multiplied by it. That
leaves every score as it is, and makes `regularization * n_u^power` itself the penalty of a user's
normal equations: put s Y'Y for Y'Y in equation 4 and divide by s. So whoever folds a user in needs
the item factors and the configuration, and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from cf_model.confidence import confidence
from cf_model.config import CFConfig
from cf_model.penalty import row_penalties, weight_scale
from cf_model.solver import Side, solving
from data.errors import DataError
from data.interactions import Interactions
from data.threads import one_blas_thread

FloatArray = npt.NDArray[np.float32]
Progress = Callable[[int, int, str], None]
Factors = tuple[FloatArray, FloatArray]


@dataclass(frozen=True, eq=False)
class ALSModel:
    """Trained factors; the score of a pair is their dot product.

    Attributes
    ----------
    user_factors : ndarray of float32, shape (n_users, factors)
        Zero for users without plays.
    item_factors : ndarray of float32, shape (n_tracks, factors)
        Zero for tracks without plays.
    config : CFConfig
        What they were trained with.
    scale : float
        `weight_scale` of the plays: the penalty of a user's normal equations is
        `regularization * n ** frequency_power`, that of a track's is `scale ** 2` times as much.

    Raises
    ------
    DataError
        If the two differ in width, or hold anything but finite numbers.
    """

    user_factors: FloatArray
    item_factors: FloatArray
    config: CFConfig
    scale: float = 1.0

    def __post_init__(self) -> None:
        users, items = self.user_factors, self.item_factors
        if users.ndim != 2 or items.ndim != 2 or users.shape[1] != items.shape[1]:
            raise DataError(
                "Factors must be two matrices of one width. "
                f"Received: {users.shape} and {items.shape}."
            )
        if not (np.isfinite(users).all() and np.isfinite(items).all()):
            raise DataError("Factors must be finite. Raise `regularization` or lower `alpha`.")


def train_als(
    interactions: Interactions,
    config: CFConfig,
    *,
    rng: np.random.Generator,
    start: ALSModel | Factors | None = None,
    progress: Progress | None = None,
) -> ALSModel:
    """Factorise the matrix of plays.

    The same plays, configuration, and state of `rng` give the same factors on one machine,
    whatever the number of threads: each row is solved by one thread.

    Parameters
    ----------
    interactions : Interactions
    config : CFConfig
    rng : numpy.random.Generator
        Draws the first factors.
    start : ALSModel or pair of ndarray of float32, optional
        Factors to go on from, of the users and tracks of `interactions` in their order, shapes
        (n_users, factors) and (n_tracks, factors), as an earlier training returned them. Rows of
        zeros where there were none. A few iterations are enough then.
    progress : callable, optional
        Called with (iterations done, iterations in all, "als").

    Returns
    -------
    ALSModel

    Raises
    ------
    DataError
        If there is no play, `start` does not fit, or the numbers overflow.

    Notes
    -----
    While it runs, BLAS is held to one thread in the whole process, because its threads would
    fight with those of `implicit`. Memory, beside the plays: the factors three times, and some 24
    bytes a played pair.
    """
    if len(interactions) == 0:
        raise DataError("There are no plays to learn from. Import listens, then train again.")
    weights = confidence(interactions.matrix(), config)
    scale = weight_scale(weights, config.frequency_power)
    users, items = _first(weights, config, start=start, scale=scale, rng=rng)
    sides = [_side(matrix, config, scale) for matrix in (weights, weights.T.tocsr())]
    with one_blas_thread(), solving(config.threads) as solver:
        for done in range(1, config.iterations + 1):
            solver.sweep(sides[0], users, items)
            solver.sweep(sides[1], items, users)
            if progress is not None:
                progress(done, config.iterations, "als")
    users *= np.float32(np.sqrt(scale))
    items /= np.float32(np.sqrt(scale))
    return ALSModel(users, items, config, scale)


def _side(weights: sp.csr_matrix, config: CFConfig, scale: float) -> Side:
    penalties = scale * row_penalties(np.diff(weights.indptr), config)
    return Side.of(weights, penalties, factors=config.factors)


def _first(
    weights: sp.csr_matrix,
    config: CFConfig,
    *,
    start: ALSModel | Factors | None,
    scale: float,
    rng: np.random.Generator,
) -> Factors:
    """Return the factors to begin with; rows without plays are zero, and stay so."""
    if start is None:
        shapes = [(size, config.factors) for size in weights.shape]
        users, items = (rng.random(shape, np.float32) * np.float32(0.01) for shape in shapes)
    else:
        users, items = _given(start, weights.shape, config.factors)
        users /= np.float32(np.sqrt(scale))
        items *= np.float32(np.sqrt(scale))
    users[np.diff(weights.indptr) == 0] = 0
    items[np.bincount(weights.indices, minlength=len(items)) == 0] = 0
    return users, items


def _given(start: ALSModel | Factors, shape: tuple[int, int], width: int) -> Factors:
    pair = (start.user_factors, start.item_factors) if isinstance(start, ALSModel) else start
    users, items = (np.array(factors, dtype=np.float32) for factors in pair)
    if users.shape != (shape[0], width) or items.shape != (shape[1], width):
        raise DataError(
            f"Factors to start from must be of {shape[0]} users and {shape[1]} tracks, {width} "
            f"wide. Received: {users.shape} and {items.shape}. Train without a warm start."
        )
    return users, items
