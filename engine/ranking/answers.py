"""Candidates, features and listens of many questions: what trees are trained and judged on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
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
from ranker.fusion import ReciprocalRankFusion
from ranker.lambdamart import RankingData

K = 10
"""Length of the lists that are compared by nDCG."""

SINGLES = ("cf", "audio", "popular")
"""Signals that the learned ranker is compared with one by one."""


@dataclass(frozen=True, eq=False)
class Answers:
    """What was proposed to each question, and what of it was right.

    Neither questions are kept, each of which has a mask as long as the catalogue, nor pools: of
    these only what is compared with the learned ranker, and their features.

    Attributes
    ----------
    kinds : list of str
        Of the questions.
    targets : list of ndarray of int32
        What was to be found; one a question.
    tracks : list of ndarray of int32, shape (m,)
        The candidates of each question.
    tables : list of ndarray of float32, shape (m, p)
        Their features.
    lists : list of dict of str to ndarray of int32
        The best `K` of rank fusion ("fusion") and of each signal alone that is compared.
    """

    kinds: Sequence[Kind]
    targets: Sequence[IntArray]
    tracks: Sequence[IntArray]
    tables: Sequence[npt.NDArray[np.float32]]
    lists: Sequence[Mapping[str, IntArray]]

    def __len__(self) -> int:
        return len(self.kinds)

    def labels(self, at: int) -> npt.NDArray[np.int8]:
        """Return which candidates of a question were listened to, int8, shape (m,)."""
        return np.isin(self.tracks[at], self.targets[at]).astype(np.int8)

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
    maker, fusion = FeatureMaker(signals), ReciprocalRankFusion(config)
    kinds, targets, tracks, tables, lists = [], [], [], [], []
    for question in questions:
        mask = question.eligible.copy()
        signals.one_of_each.keep_one(mask)
        query = Query(question.history, mask)
        pool = propose(query, signals, config)
        kinds.append(question.kind)
        targets.append(question.targets)
        tracks.append(pool.tracks)
        tables.append(maker.table(query, pool))
        lists.append(plain_lists(pool, fusion, question.kind))
    return Answers(kinds, targets, tracks, tables, lists)


def plain_lists(
    pool: CandidatePool, fusion: ReciprocalRankFusion, kind: Kind
) -> dict[str, IntArray]:
    """Return what a learned ranker is compared with: the best `K` of fusion, and of each signal.

    Parameters
    ----------
    pool : CandidatePool
    fusion : ReciprocalRankFusion
    kind : str
        Of the question; the prior alone ("cold") answers those about cold tracks.
    """
    singles = (*SINGLES, "cold") if kind == "cold" else SINGLES
    return {"fusion": fusion.best(pool, K).tracks} | {name: _alone(pool, name) for name in singles}


def _alone(pool: CandidatePool, source: str) -> IntArray:
    """Return the best of one source."""
    if source not in pool.sources:
        return pool.tracks[:0]
    ranks = pool.ranks[:, pool.sources.index(source)]
    proposed = np.flatnonzero(ranks)
    return pool.tracks[proposed[np.argsort(ranks[proposed])][:K]]
