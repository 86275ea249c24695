"""Sound as the prior of the tracks' factors: one lesson for training and for evaluation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cf_model import ALSModel
from cf_model.prior import ContentPrior, PriorConfig, blend_item_factors
from cf_model.prior.training import LEAST_TRACKS, learnable, train_prior
from data.interactions import Interactions

FloatMatrix = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Heard:
    """What sound says of the tracks of an ALS model.

    Attributes
    ----------
    item_factors : ndarray of float32, shape (n_tracks, f)
        As plays and sound together say; see `blend_item_factors`.
    uncertainty : ndarray of float32, shape (n_tracks,)
        Of what sound alone predicts; see `ContentPrior.predict`.
    prior : ContentPrior
    """

    item_factors: FloatMatrix
    uncertainty: FloatMatrix
    prior: ContentPrior


def with_sound(
    model: ALSModel,
    plays: Interactions,
    embeddings: FloatMatrix,
    *,
    artists: npt.NDArray[np.int32],
    config: PriorConfig,
    seed: int | Sequence[int],
) -> Heard | None:
    """Learn what sound says of factors, and let it speak where plays are few.

    Parameters
    ----------
    model : ALSModel
    plays : Interactions
        What it was trained on.
    embeddings : ndarray of float32, shape (n_tracks, d)
        A zero row for a track without one.
    artists : ndarray of int32, shape (n_tracks,)
        Codes of the artists, -1 where unknown.
    config : PriorConfig
    seed : int or sequence of int
        Of landmarks and folds.

    Returns
    -------
    Heard or None
        None where fewer than `LEAST_TRACKS` tracks have both plays and an embedding.
    """
    if np.count_nonzero(learnable(embeddings, model.item_factors)) < LEAST_TRACKS:
        return None
    prior = train_prior(
        embeddings,
        model.item_factors,
        model.user_factors,
        config=config,
        rng=np.random.default_rng(seed),
        artists=artists,
    )
    predicted, uncertainty = prior.predict(embeddings)
    known = np.asarray(embeddings.any(axis=1))
    blended = blend_item_factors(model, plays, predicted, known=known, strength=config.strength)
    return Heard(blended, uncertainty, prior)
