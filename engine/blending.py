"""Which blend a bundle is served with."""

from __future__ import annotations

import logging

import numpy as np

from data.errors import DataError
from engine.evidence import FeatureMaker
from engine.signals import Signals
from ranker.candidates import Blend
from ranker.config import RankerConfig
from ranker.features import FEATURES
from ranker.fusion import ReciprocalRankFusion
from ranker.learned import LearnedRanker

logger = logging.getLogger("segue.engine")


def blend_of(signals: Signals, config: RankerConfig) -> Blend:
    """Return the learned ranker of a bundle, if it has one and may use it, else rank fusion.

    Where LightGBM cannot be loaded, that is said in the log, and rank fusion serves.
    """
    model = signals.contents.ranker
    if model is None or config.blend == "fusion":
        return ReciprocalRankFusion(config)
    try:
        # Now, and not at the first request: it takes a second.
        model.scores(np.zeros((1, len(FEATURES)), np.float32))
    except DataError as error:
        logger.error("%s Rank fusion serves instead.", error)  # noqa: TRY400 - one line
        return ReciprocalRankFusion(config)
    return LearnedRanker(model, FeatureMaker(signals).table)
