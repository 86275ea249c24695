"""What a person is told of a search, in single lines."""

from __future__ import annotations

from data.interactions import Interactions
from engine.evaluation import Task
from engine.tuning.outcome import Tuning
from engine.tuning.trials import Params
from engine.tuning.validation import MEASURE

_MANY = 2  # times the plays of a search: worth another one


def starting(seconds: float, task: Task) -> str:
    """Say that a search begins."""
    return (
        f"Searching settings of ALS for up to {seconds:g} s: {MEASURE} of {len(task):,} users "
        f"on plays held out ({task.protocol})."
    )


def going_on(trials: int, left: float) -> str:
    """Say that it begins where another one was cut off."""
    return f"A search was cut off after {trials} trials; {max(left, 0):.0f} s of its time are left."


def finding(tuning: Tuning) -> str:
    """Say what came of it."""
    count, first, winner = len(tuning.trials), tuning.first, tuning.winner
    if first.value is None or winner.value is None:
        return (
            f"The search found nothing in {tuning.seconds:.0f} s: {first.fault}. "
            "`segue train --tune SECONDS` gives it more."
        )
    if winner is first:
        return (
            f"None of {count} trials beat the settings as they are ({MEASURE} {first.value:.4f})."
        )
    return (
        f"Best of {count} trials: {MEASURE} {winner.value:.4f}, up from {first.value:.4f}, with "
        f"{_named(winner.params)}."
    )


def reusing(tuning: Tuning, plays: Interactions) -> str:
    """Say that settings are used that were found before."""
    pairs = plays.matrix().nnz
    text = f"Settings of ALS found on {tuning.created_at:%Y-%m-%d}: {_named(tuning.winner.params)}."
    if pairs < _MANY * tuning.pairs:
        return text
    return (
        f"{text} There are {pairs:,} pairs of user and track now, not {tuning.pairs:,}: "
        "`segue train --tune SECONDS` searches again."
    )


def _named(params: Params) -> str:
    return ", ".join(f"{name} {value}" for name, value in params.items())
