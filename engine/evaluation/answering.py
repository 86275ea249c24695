"""From systems to ranked lists, a block of users at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from data.errors import DataError
from engine.evaluation.metrics import Ranked
from engine.evaluation.ranking import NONE, FloatBlock, IntBlock, IntVector, top_k
from engine.evaluation.systems import Chooser, System, exclude_seen
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
    whole, _ = answer_and_among(systems, task, depth, among=(), progress=progress)
    return whole


def answer_and_among(
    systems: Sequence[System],
    task: Task,
    depth: int,
    *,
    among: Sequence[IntVector],
    progress: Progress | None = None,
) -> tuple[dict[str, Ranked], list[dict[str, Ranked]]]:
    """Rank every candidate, and besides some of them as if there were no others.

    Parameters
    ----------
    systems, task, depth, progress
        See `answer`.
    among : sequence of ndarray of int64
        Columns of `Task.candidates`, ascending, at least one in each.

    Returns
    -------
    whole : dict of str to Ranked
    parts : list of dict of str to Ranked
        One for each of `among`.
    """
    users = len(task)

    def empty() -> dict[str, IntBlock]:
        return {system.name: np.empty((users, depth), np.int32) for system in systems}

    whole, parts = empty(), [empty() for _ in among]
    step = max(1, _CELLS // len(task.candidates))
    for first in range(0, users, step):
        rows = slice(first, min(first + step, users))
        start = task.start[rows]
        for system in systems:
            scores = _finite(system, task, rows, system.scores(rows))
            whole[system.name][rows] = top_k(scores, depth, start=start)
            for columns, lists in zip(among, parts, strict=True):
                if isinstance(system, Chooser):
                    scores = _finite(system, task, rows, system.scores_among(rows, columns))
                best = top_k(scores[:, columns], depth, start=start % len(columns))
                lists[system.name][rows] = np.where(best == NONE, NONE, columns[best])
        if progress is not None:
            progress(rows.stop, users, "ranking")

    def judged(lists: dict[str, IntBlock]) -> dict[str, Ranked]:
        return {name: _judge(columns, task) for name, columns in lists.items()}

    return judged(whole), [judged(lists) for lists in parts]


def _judge(columns: IntBlock, task: Task) -> Ranked:
    """Find the hits of lists of columns, shape (m, depth)."""
    rows = np.arange(len(task), dtype=np.int64)[:, np.newaxis]
    answered = columns != NONE
    hits = answered & np.isin(rows * len(task.candidates) + columns, task.targets)
    tracks = np.where(answered, task.candidates[columns], np.int32(NONE))
    return Ranked(tracks, hits, task.held_out.getnnz(axis=1).astype(np.int64))


def _finite(system: System, task: Task, rows: slice, scores: FloatBlock) -> FloatBlock:
    """Return scores by which every track but the known ones can be ranked."""
    if np.isnan(scores).any():
        raise DataError(f"The system {system.name!r} gave a score that is not a number.")
    # What a system does not know goes last, in the order of ties; what a user knows never comes.
    return exclude_seen(task, rows, np.maximum(scores, _LOWEST))
