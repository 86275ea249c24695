"""What interleaving found: whose tracks users listened to more.

Chapelle, Joachims, Radlinski, Yue, "Large-Scale Validation and Analysis of Interleaved Search
Evaluation", TOIS 2012, section 3: a user prefers the ranking whose tracks got more listens; a sign
test over users says whether the preferences are more than chance.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd
from scipy.stats import binomtest

from engine.bootstrap import Estimate, intervals
from engine.experiments.config import Experiment


@dataclass(frozen=True)
class DuelReport:
    """Two rankings in one answer.

    Attributes
    ----------
    experiment : str
    teams : tuple of str, length 2
        The variants; the first one is the control.
    users, answers : int
    listens : tuple of int, length 2
        Of the tracks of each team.
    wins : tuple of int, length 2
        Users who listened to more tracks of one team than of the other.
    ties : int
        Users who did not.
    preference : Estimate
        (wins of the second + ties / 2) / users - 1/2, with its 95% interval: above 0 where the
        second is preferred.
    p_value : float or None
        Of the two-sided sign test over users without a tie; None where all are ties.
    left_out : int
        Answers of a split of the same name, which no part of this counts.
    """

    experiment: str
    teams: tuple[str, str]
    users: int
    answers: int
    listens: tuple[int, int]
    wins: tuple[int, int]
    ties: int
    preference: Estimate
    p_value: float | None
    left_out: int = 0

    def as_dict(self) -> dict[str, object]:
        """Return the report as JSON has it."""
        return {"kind": "interleave", **asdict(self)}


def duel_report(
    slots: pd.DataFrame, name: str, *, experiment: Experiment | None = None, seed: int = 0
) -> DuelReport:
    """Compare the two rankings of an interleaved experiment.

    Parameters
    ----------
    slots : DataFrame
        `user_id`, `impression_id`, `team`, `heard`; at least one row.
    name : str
    experiment : Experiment, optional
        Its settings: which variant is the first. Without, they are sorted by name.
    seed : int
        Of the resampling.
    """
    teams = _teams(slots, experiment)
    _, who = np.unique(slots["user_id"].to_numpy(str), return_inverse=True)
    heard = slots["heard"].to_numpy(bool)
    credit = np.zeros((int(who.max()) + 1, 2), np.int64)
    for at, team in enumerate(teams):
        theirs = slots["team"].eq(team).fillna(False).to_numpy(bool)
        np.add.at(credit[:, at], who[heard & theirs], 1)
    sides = np.sign(credit[:, 1] - credit[:, 0])
    first, second = int((sides < 0).sum()), int((sides > 0).sum())
    decided = first + second
    return DuelReport(
        experiment=name,
        teams=teams,
        users=len(credit),
        answers=int(slots["impression_id"].nunique()),
        listens=(int(credit[:, 0].sum()), int(credit[:, 1].sum())),
        wins=(first, second),
        ties=len(credit) - decided,
        preference=intervals(sides[:, None] / 2, seed=seed)[0],
        p_value=float(binomtest(second, decided).pvalue) if decided else None,
    )


def _teams(slots: pd.DataFrame, experiment: Experiment | None) -> tuple[str, str]:
    logged = sorted(set(slots["team"].dropna()))
    if experiment is not None and experiment.kind == "interleave":
        logged = [variant.name for variant in experiment.variants]
    first, second = [*logged, "", ""][:2]
    return first, second
