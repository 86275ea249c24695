"""Sound as the prior: factors of tracks that nobody, or hardly anybody, has played."""

from cf_model.prior.blend import blend_item_factors
from cf_model.prior.config import PriorConfig
from cf_model.prior.model import ContentPrior
from cf_model.prior.starting import start_from_genres
from cf_model.prior.training import LEAST_TRACKS, learnable, train_prior

__all__ = [
    "LEAST_TRACKS",
    "ContentPrior",
    "PriorConfig",
    "blend_item_factors",
    "learnable",
    "start_from_genres",
    "train_prior",
]
