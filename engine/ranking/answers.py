"""Candidates, features and listens of many questions: what trees are trained and judged on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engine.blending import propose
from engine.evidence import FeatureMaker
from engine.ranking.holdout import OVERALL, Kind, Question
from engine.signals import Signals
from ranker.candidates import CandidatePool, IntArray, Query
from ranker.config import RankerConfig
from ranker.features import FEATURES
from ranker.lambdamart import RankingData


@dataclass(frozen=True, eq=False)
class Answers:
    """What was proposed to each question, and what of it was right.

    The questions themselves are not kept: each has a mask as long as the catalogue.

    Attributes
    ----------
    kinds : list of str
        Of the questions.
    targets : list of ndarray of int32
        What was to be found; one a question.
    pools : list of CandidatePool
    tables : list of ndarray of float32, shape (m, p)
        Features; one a pool.
    """

    kinds: Sequence[Kind]
    targets: Sequence[IntArray]
    pools: Sequence[CandidatePool]
    tables: Sequence[npt.NDArray[np.float32]]

    def __len__(self) -> int:
        return len(self.kinds)

    def labels(self, at: int) -> npt.NDArray[np.int8]:
        """Return which candidates of a question were listened to, int8, shape (m,)."""
        return np.isin(self.pools[at].tracks, self.targets[at]).astype(np.int8)

    def data(self) -> RankingData:
        """Return the questions of which some candidate was right, and some was not."""
        labels = [self.labels(at) for at in range(len(self))]
        useful = [at for at, found in enumerate(labels) if found.any() and not found.all()]
        return self._data(useful, [labels[at] for at in useful])

    def usual(self) -> RankingData:
        """Return all questions about warm and new users, also where no candidate was right.

        What is asked of a service is like these: neither tail nor cold tracks alone may answer.
        """
        asked = [at for at, kind in enumerate(self.kinds) if kind in OVERALL]
        return self._data(asked, [self.labels(at) for at in asked])

    def _data(self, at: Sequence[int], labels: Sequence[npt.NDArray[np.int8]]) -> RankingData:
        return RankingData(
            np.concatenate(
                [np.empty((0, len(FEATURES)), np.float32), *(self.tables[i] for i in at)]
            ),
            np.concatenate([np.empty(0, np.int8), *labels]),
            np.array([len(found) for found in labels], np.int64),
        )


def collect(
    questions: Iterable[Question],
    signals: Signals,
    config: RankerConfig,
) -> Answers:
    """Ask all retrievers each question.

    Parameters
    ----------
    questions : iterable of Question
    signals : Signals
        Of models that do not know the answers.
    config : RankerConfig
        Its quotas count.
    """
    maker = FeatureMaker(signals)
    kinds, targets, pools, tables = [], [], [], []
    for question in questions:
        mask = question.eligible.copy()
        signals.one_of_each.keep_one(mask)
        query = Query(question.history, mask)
        pool = propose(query, signals, config)
        kinds.append(question.kind)
        targets.append(question.targets)
        pools.append(pool)
        tables.append(maker.table(query, pool))
    return Answers(kinds, targets, pools, tables)
