"""Who likes what: confidence, ALS, fold-in."""

from cf_model.als import ALSModel, train_als, weight_scale
from cf_model.confidence import confidence, confidence_of
from cf_model.config import CFConfig
from cf_model.foldin import FoldIn, gram_matrix

__all__ = [
    "ALSModel",
    "CFConfig",
    "FoldIn",
    "confidence",
    "confidence_of",
    "gram_matrix",
    "train_als",
    "weight_scale",
]
