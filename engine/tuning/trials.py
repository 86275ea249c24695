"""Trials, and the file that keeps them while a search runs.

The log is JSON lines: one that says which search this is, then one a trial, written and flushed
to the disk when the trial ends. What a killed search leaves is therefore whole lines, and at most
one broken line, the last, which is dropped. It is not Optuna's own storage: that one would lock
the file by a means that outlives a killed process, and ties a home to one of its versions.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

Params = dict[str, int | float | str]
"""Values of the searched settings, by name."""


class Trial(BaseModel):
    """One setting that was tried.

    Attributes
    ----------
    params : dict
        Values of the searched settings.
    value : float or None
        Mean of the measure over the validation users; None where there is none: the time was
        over, or ALS overflowed.
    low : float or None
        Lower end of the 95% interval of the gain over the first trial.
    seconds : float
        How long it took.
    training : float
        How much of that was ALS; the rest is the same for all trials.
    fault : str
        Why there is no value.
    per_user : tuple of float
        The measure of each validation user. Only the first trial keeps it: the gains of later
        ones are taken against it, user by user.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    params: Params
    value: float | None
    low: float | None = None
    seconds: float
    training: float = 0.0
    fault: str = ""
    per_user: tuple[float, ...] = ()


def best_of(trials: Sequence[Trial]) -> int | None:
    """Return the position of the first trial of the greatest value; None where none has one."""
    values = [-1.0 if trial.value is None else trial.value for trial in trials]
    best = max(values, default=-1.0)
    return None if best < 0 else values.index(best)


class TrialLog:
    """The trials of the search under way, in a file.

    Parameters
    ----------
    path : Path
        Made by `write`.
    head : dict of str to str or int
        What makes this search this one. A log with another head is that of another search, and
        is replaced.
    """

    def __init__(self, path: Path, head: dict[str, str | int]) -> None:
        self._path = path
        self._head = json.dumps(head, sort_keys=True)

    def read(self) -> list[Trial]:
        """Return the trials of this search that have ended; none if the log is another's."""
        try:
            head, *lines = self._path.read_text("utf-8").split("\n")
        except (OSError, UnicodeDecodeError, ValueError):
            return []
        trials: list[Trial] = []
        for line in lines if head == self._head else []:
            try:
                trials.append(Trial.model_validate_json(line))
            except ValidationError:
                break  # half a line, or the empty one behind the last
        return trials

    def write(self, trials: Sequence[Trial]) -> None:
        """Replace the file by one of these trials; what a crash cut off is gone then."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        text = "".join(f"{line}\n" for line in [self._head, *map(_as_line, trials)])
        self._path.write_text(text, "utf-8")

    def add(self, trial: Trial) -> None:
        """Append a trial, and wait for the disk."""
        with self._path.open("a", encoding="utf-8") as file:
            file.write(f"{_as_line(trial)}\n")
            file.flush()
            os.fsync(file.fileno())

    def remove(self) -> None:
        """Delete the file."""
        self._path.unlink(missing_ok=True)


def _as_line(trial: Trial) -> str:
    return trial.model_dump_json(exclude_defaults=True)
