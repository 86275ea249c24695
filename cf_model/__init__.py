"""Who likes what: confidence, ALS, fold-in."""

from cf_model.als import ALSModel, train_als
from cf_model.confidence import confidence, confidence_of
from cf_model.config import CFConfig
from cf_model.foldin import FoldIn, TrackFoldIn, gram_matrix
from cf_model.penalty import row_penalties, weight_scale
from cf_model.toplists import best_of_rows, recommend_all

__all__ = [
    "ALSModel",
    "CFConfig",
    "FoldIn",
    "TrackFoldIn",
    "best_of_rows",
    "confidence",
    "confidence_of",
    "gram_matrix",
    "recommend_all",
    "row_penalties",
    "train_als",
    "weight_scale",
]
