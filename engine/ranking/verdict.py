"""What a learned ranker is worth, next to rank fusion and to each signal alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.bootstrap import Estimate, intervals
from engine.ranking.answers import SINGLES, Answers, K
from engine.ranking.holdout import OVERALL, Kind
from ranker.candidates import IntArray, top_n
from ranker.lambdamart import LambdaMART

FloatVector = npt.NDArray[np.float64]

SLICES = ("overall", "warm", "new", "tail", "cold")
"""The kinds of question, and `warm` and `new` together: each has one question a user at most."""

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
    trials: Sequence[tuple[LambdaMART, Answers]],
    *,
    seed: int = 0,
) -> Verdict:
    """Compare a ranker with fusion, and with each signal alone.

    Parameters
    ----------
    trials : sequence of (LambdaMART, Answers)
        Rankers of one recipe, each with the questions about users whom neither its trees nor
        their number were chosen by.
    seed : int
        Of the resamples.
    """
    asked = [
        (answers.kinds[at], answers.targets[at], _lists(model, answers, at))
        for model, answers in trials
        for at in range(len(answers))
    ]
    values: dict[str, dict[str, FloatVector]] = {name: {} for name in SLICES}
    for system in ("learned", "fusion", *SINGLES, "cold"):
        told = [(kind, t, lists[system]) for kind, t, lists in asked if system in lists]
        worth = np.array([ndcg(tracks, targets) for _, targets, tracks in told])
        kinds = [kind for kind, *_ in told]
        for name, found in by_slice(kinds, worth, least=_LEAST).items():
            values[name][system] = found
    kept = {name: found for name, found in values.items() if found}
    return Verdict(
        {n: {s: float(found.mean()) for s, found in v.items()} for n, v in kept.items()},
        {n: gain(v["learned"], v["fusion"], seed=seed) for n, v in kept.items()},
        {n: len(v["learned"]) for n, v in kept.items()},
    )


def _lists(model: LambdaMART, answers: Answers, at: int) -> dict[str, IntArray]:
    best = top_n(model.ranked(answers.tables[at]), K)
    return {"learned": answers.tracks[at][best], **answers.lists[at]}


def by_slice(kinds: Sequence[Kind], values: FloatVector, *, least: int) -> dict[str, FloatVector]:
    """Put the values of questions into slices.

    Parameters
    ----------
    kinds : sequence of str, length m
        Of the questions.
    values : ndarray of float64, shape (m,) or (m, q)
    least : int
        Slices of fewer questions say nothing, and are left out.

    Returns
    -------
    dict of str to ndarray
        By the name of the slice, in the order of `SLICES`: the rows of its questions.
    """
    known = np.array(kinds, object)
    found = {}
    for name in SLICES:
        rows = np.isin(known, OVERALL) if name == "overall" else known == name
        if rows.sum() >= least:
            found[name] = values[rows]
    return found


def ndcg(tracks: IntArray, targets: IntArray) -> float:
    """Return nDCG of a list of up to `K` tracks; see `engine.evaluation.metrics`."""
    discounts = 1 / np.log2(np.arange(2, K + 2))
    hits = np.isin(tracks[:K], targets)
    return float(discounts[: hits.size] @ hits / discounts[: min(K, targets.size)].sum())


def gain(one: FloatVector, other: FloatVector, *, level: float = 0.95, seed: int = 0) -> Estimate:
    """Return by how much `one` is better, user by user, with its interval.

    Parameters
    ----------
    one, other : ndarray of float64, shape (m,)
        What two systems are worth to the same users.
    level : float
        Coverage of the interval.
    seed : int
        Of the resamples, of which there are as many as the ends of the interval need.
    """
    resamples = round(50 / (1 - level))
    return intervals((one - other)[:, np.newaxis], resamples=resamples, level=level, seed=seed)[0]
