"""The factors of a catalogue: plays where there are many, sound where there are none.

ALS holds the factor of a track near zero by a penalty. Here the same penalty holds it near the
factor mu that its sound predicts. With the user factors X held fixed, equation 5 of Hu, Koren,
Volinsky (ICDM 2008) becomes::

    (X'C_i X + strength penalty_i I) y_i = X'C_i p_i + strength penalty_i mu_i

A track that nobody has played is not one that everybody has refused, so it has no X'C_i X, and its
factor is mu itself.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from cf_model.als import ALSModel
from cf_model.foldin import TrackFoldIn
from data.errors import DataError
from data.interactions import Interactions

FloatArray = npt.NDArray[np.float32]


def blend_item_factors(
    model: ALSModel,
    interactions: Interactions,
    predicted: FloatArray,
    *,
    known: npt.NDArray[np.bool_],
    strength: float = 1.0,
) -> FloatArray:
    """Return the item factors to serve.

    ===========  ====================================  ===============
    the track    has an embedding                      has none
    ===========  ====================================  ===============
    was played   by its plays, held near `predicted`   as trained
    was not      `predicted`                           zeros
    ===========  ====================================  ===============

    Parameters
    ----------
    model : ALSModel
    interactions : Interactions
        What it was trained on.
    predicted : ndarray of float32, shape (n_tracks, f)
        By `ContentPrior.predict`.
    known : ndarray of bool, shape (n_tracks,)
        Which tracks have an embedding.
    strength : float
        `PriorConfig.strength`: multiplies the penalty. With 0, played tracks stay as trained.

    Returns
    -------
    ndarray of float32, shape (n_tracks, f)

    Raises
    ------
    DataError
        If shapes do not fit.
    """
    trained = model.item_factors
    if predicted.shape != trained.shape or known.shape != (len(trained),):
        raise DataError(
            f"Predictions of shape {predicted.shape} for {known.shape} tracks do not fit factors "
            f"of shape {trained.shape}."
        )
    plays = interactions.matrix().T.tocsr()
    played = np.diff(plays.indptr) > 0
    blended: FloatArray = np.where((known & ~played)[:, None], predicted, trained)
    rows = np.flatnonzero(known & played) if strength > 0 else np.array([], np.int64)
    if rows.size:
        solver = TrackFoldIn(model.user_factors, model.config, scale=model.scale)
        blended[rows] = solver.tracks(plays[rows], priors=predicted[rows], strength=strength)
    return blended
