"""The report of an experiment, from the log.

An experiment that changed its `kind` leaves answers of both kinds under one name. A report is about
one of them, and counts the others.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from data.errors import DataError
from data.store import Store
from engine.experiments.config import Experiment
from engine.experiments.duel import DuelReport, duel_report
from engine.experiments.report import SplitReport, split_report
from engine.impressions.credit import with_credit

BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Reading:
    """What of the log is read, and how.

    Attributes
    ----------
    window_hours : float
        How long after an impression a listen counts for it.
    since : int, optional
        Only impressions from this time on, in Unix seconds.
    seed : int
        Of the resampling.
    """

    window_hours: float = 24.0
    since: int | None = None
    seed: int = 0


def report_of(
    store: Store, name: str, *, experiment: Experiment | None, reading: Reading
) -> SplitReport | DuelReport:
    """Report an experiment of the kind that it has now.

    Parameters
    ----------
    store : Store
    name : str
    experiment : Experiment or None
        Its settings; None where it is not in the settings any more, so that the kind is the one
        of most of its answers.
    reading : Reading

    Raises
    ------
    DataError
        If nothing was shown in it, or nothing of its kind.
    """
    slots = store.load_slots(experiment=name, since=reading.since)
    if slots.empty:
        raise DataError(
            f"Nothing was shown in an experiment {name!r}. `segue experiments list` shows what was."
        )
    mixed = slots["variant"].isna().to_numpy(bool)  # nobody's variant: two, in one answer
    together = _answers(slots, mixed) > _answers(slots, ~mixed)
    if experiment is not None:
        together = experiment.kind == "interleave"
    of_kind = mixed if together else ~mixed
    left_out = _answers(slots, ~of_kind)
    if not of_kind.any():
        raise DataError(
            f"Nothing was shown in the experiment {name!r} as it is now (kind = "
            f"{'interleave' if together else 'split'}): all {left_out:,} answers are of the other "
            "kind. To see them, change the kind back."
        )
    # Credit comes after: a listen counts for the last impression that the report is about.
    kept = with_credit(
        store, slots[of_kind].reset_index(drop=True), window_hours=reading.window_hours
    )
    if together:
        duel = duel_report(kept, name, experiment=experiment, seed=reading.seed)
        return replace(duel, left_out=left_out)
    split = split_report(kept, name, experiment=experiment, seed=reading.seed)
    return replace(split, left_out=left_out)


def _answers(slots: pd.DataFrame, which: BoolArray) -> int:
    return int(slots.loc[which, "impression_id"].nunique())
