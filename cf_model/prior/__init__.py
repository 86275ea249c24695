"""Sound as the prior: factors of tracks that nobody, or hardly anybody, has played.

What learns it is in `cf_model.prior.training`. Servers need not import that: it loads an optimizer.
"""

from cf_model.prior.blend import blend_item_factors
from cf_model.prior.config import PriorConfig
from cf_model.prior.model import ContentPrior
from cf_model.prior.starting import start_from_genres

__all__ = [
    "ContentPrior",
    "PriorConfig",
    "blend_item_factors",
    "start_from_genres",
]
