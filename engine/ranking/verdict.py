"""What a learned ranker is worth, next to rank fusion and to each signal alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.bootstrap import Estimate, intervals
from engine.ranking.answers import Answers
from ranker.candidates import CandidatePool, IntArray, Query, top_n
from ranker.fusion import ReciprocalRankFusion
from ranker.lambdamart import LambdaMART

FloatVector = npt.NDArray[np.float64]

SLICES = ("overall", "warm", "new", "tail", "cold")
"""The kinds of question, and `warm` and `new` together."""

K = 10
"""Length of the lists that are compared by nDCG."""

SINGLES = ("cf", "audio", "popular")
"""Signals that the learned ranker is compared with one by one."""

_OVERALL = ("warm", "new")
_LEAST = 10  # questions below which a slice says nothing


@dataclass(frozen=True)
class Verdict:
    """What a ranker is worth on questions that it was not trained on.

    Attributes
    ----------
    ndcg : dict of str to dict of str to float
        By slice, then by system ("learned", "fusion", "cf", ...): mean nDCG@10.
    over_fusion : dict of str to Estimate
        By slice: what the learned ranker gains over fusion, with a 95% interval over users.
    questions : dict of str to int
        How many there were, by slice.
    """

    ndcg: Mapping[str, Mapping[str, float]]
    over_fusion: Mapping[str, Estimate]
    questions: Mapping[str, int]

    @property
    def objection(self) -> str:
        """Why rank fusion should blend instead; empty where the learned ranker should."""
        worse = [n for n, e in self.over_fusion.items() if e.high is not None and e.high < 0]
        if worse:
            return f"the learned ranker is worse than rank fusion in: {', '.join(worse)}"
        overall = self.over_fusion.get("overall")
        if overall is None or overall.low is None or overall.low <= 0:
            return "the learned ranker is not clearly better than rank fusion"
        return ""

    def document(self) -> dict[str, Any]:
        """Return everything as JSON values."""
        gains = {
            name: {"mean": e.mean, "low": e.low, "high": e.high}
            for name, e in self.over_fusion.items()
        }
        return {
            "ndcg@10": {name: dict(found) for name, found in self.ndcg.items()},
            "over_fusion": gains,
            "questions": dict(self.questions),
            "objection": self.objection,
        }


def judge(
    model: LambdaMART,
    answers: Answers,
    *,
    fusion: ReciprocalRankFusion,
    seed: int = 0,
) -> Verdict:
    """Compare a ranker with fusion, and with each signal alone.

    Parameters
    ----------
    model : LambdaMART
    answers : Answers
        Of users whom neither trees nor their number were chosen by.
    fusion : ReciprocalRankFusion
    seed : int
        Of the resamples.
    """
    values: dict[str, dict[str, list[float]]] = {name: {} for name in SLICES}
    for at, question in enumerate(answers.questions):
        lists = _lists(model, answers, at, fusion)
        for system, tracks in lists.items():
            value = ndcg(tracks, question.targets)
            for name in (question.kind, *(("overall",) if question.kind in _OVERALL else ())):
                values[name].setdefault(system, []).append(value)
    kept = {n: v for n, v in values.items() if v and len(v["learned"]) >= _LEAST}
    return Verdict(
        {n: {s: float(np.mean(found)) for s, found in v.items()} for n, v in kept.items()},
        {n: _gain(v["learned"], v["fusion"], seed) for n, v in kept.items()},
        {n: len(v["learned"]) for n, v in kept.items()},
    )


def ndcg(tracks: IntArray, targets: IntArray) -> float:
    """Return nDCG of a list of up to `K` tracks; see `engine.evaluation.metrics`."""
    discounts = 1 / np.log2(np.arange(2, K + 2))
    hits = np.isin(tracks[:K], targets)
    return float(discounts[: hits.size] @ hits / discounts[: min(K, targets.size)].sum())


def _lists(
    model: LambdaMART, answers: Answers, at: int, fusion: ReciprocalRankFusion
) -> dict[str, IntArray]:
    question, pool = answers.questions[at], answers.pools[at]
    query = Query(question.history, question.eligible)
    best = top_n(model.scores(answers.tables[at]), K)
    lists = {"learned": pool.tracks[best], "fusion": fusion.rank(query, pool, K).tracks}
    singles = (*SINGLES, "cold") if question.kind == "cold" else SINGLES
    return lists | {name: _alone(pool, name) for name in singles}


def _alone(pool: CandidatePool, source: str) -> IntArray:
    """Return the best of one source."""
    if source not in pool.sources:
        return pool.tracks[:0]
    ranks = pool.ranks[:, pool.sources.index(source)]
    proposed = np.flatnonzero(ranks)
    return pool.tracks[proposed[np.argsort(ranks[proposed])][:K]]


def _gain(one: list[float], other: list[float], seed: int) -> Estimate:
    apart: Callable[[list[float]], FloatVector] = np.array
    return intervals((apart(one) - apart(other))[:, np.newaxis], seed=seed)[0]
