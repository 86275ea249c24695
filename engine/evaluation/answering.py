"""From systems to ranked lists, a block of users at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from data.errors import DataError
from engine.evaluation.metrics import Ranked
from engine.evaluation.ranking import NONE, IntBlock, top_k
from engine.evaluation.systems import System, exclude_seen
from engine.evaluation.task import Task

Progress = Callable[[int, int, str], None]

_CELLS = 1_000_000  # scores of a block of users: few enough for the processor's caches
_LOWEST = np.finfo(np.float32).min


def answer(
    systems: Sequence[System], task: Task, depth: int, *, progress: Progress | None = None
) -> dict[str, Ranked]:
    """Rank every candidate for every user by every system.

    Parameters
    ----------
    systems : sequence of System
    task : Task
    depth : int
        Length of the lists that are kept.
    progress : callable, optional
        Called with (users done, users in all, "ranking").

    Returns
    -------
    dict of str to Ranked

    Raises
    ------
    DataError
        If a system gives a score that is not a number.
    """
    users = len(task)
    lists = {system.name: np.empty((users, depth), np.int32) for system in systems}
    step = max(1, _CELLS // len(task.candidates))
    for first in range(0, users, step):
        rows = slice(first, min(first + step, users))
        for system in systems:
            lists[system.name][rows] = _best(system, task, rows, depth)
        if progress is not None:
            progress(rows.stop, users, "ranking")
    return {name: _judge(columns, task) for name, columns in lists.items()}


def _judge(columns: IntBlock, task: Task) -> Ranked:
    """Find the hits of lists of columns, shape (m, depth)."""
    rows = np.arange(len(task), dtype=np.int64)[:, np.newaxis]
    answered = columns != NONE
    hits = answered & np.isin(rows * len(task.candidates) + columns, task.targets)
    tracks = np.where(answered, task.candidates[columns], np.int32(NONE))
    return Ranked(tracks, hits, task.held_out.getnnz(axis=1).astype(np.int64))


def _best(system: System, task: Task, rows: slice, depth: int) -> IntBlock:
    scores = system.scores(rows)
    if np.isnan(scores).any():
        raise DataError(f"The system {system.name!r} gave a score that is not a number.")
    # What a system does not know goes last, in the order of ties; what a user knows never comes.
    scores = exclude_seen(task, rows, np.maximum(scores, _LOWEST))
    return top_k(scores, depth, start=task.start[rows])
