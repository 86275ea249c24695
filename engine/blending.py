"""Which blend a bundle is served with, and what is proposed to it."""

from __future__ import annotations

import logging

import numpy as np

from data.errors import DataError
from engine.evidence import FeatureMaker
from engine.signals import Signals
from ranker.candidates import Blend, CandidatePool, Query, merge
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


def propose(
    query: Query,
    signals: Signals,
    config: RankerConfig,
    *,
    blend: Blend | None = None,
    least: int = 0,
) -> CandidatePool:
    """Ask every retriever that has a quota.

    Parameters
    ----------
    query : Query
    signals : Signals
    config : RankerConfig
        Its quotas count.
    blend : Blend, optional
        Retrievers of which it makes no use are not asked.
    least : int
        How many candidates each is asked for at least, if any.
    """
    lists = [
        retriever.retrieve(query, max(config.quota_of(name), least))
        for name, retriever in signals.retrievers.items()
        if config.quota_of(name) and (blend is None or blend.uses(name))
    ]
    return merge([found for found in lists if len(found)])
