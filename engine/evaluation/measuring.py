"""From systems and a task to a report."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict

import numpy as np
import numpy.typing as npt

from data.threads import one_blas_thread
from engine.evaluation.answering import answer_and_among
from engine.evaluation.beyond import Background
from engine.evaluation.lineup import BASELINE, pairs
from engine.evaluation.results import Report
from engine.evaluation.slices import Part, alone, by_activity, by_popularity
from engine.evaluation.summary import Sampling, Summary
from engine.evaluation.systems import System
from engine.evaluation.task import Task

Progress = Callable[[int, int, str], None]


def measure(
    systems: Sequence[System],
    task: Task,
    *,
    artists: npt.NDArray[np.int32],
    vectors: npt.NDArray[np.float32] | None,
    ks: Sequence[int] = (10, 20),
    sampling: Sampling | None = None,
    progress: Progress | None = None,
) -> Report:
    """Ask all systems for their lists, and measure and compare these.

    Parameters
    ----------
    systems : sequence of System
        Any number, of different names, trained; compared as `lineup.pairs` says.
    task : Task
    artists : ndarray of int32, shape (t,)
        Codes of the tracks' artists; -1 where unknown.
    vectors : ndarray of float32, shape (t, d), optional
        Embeddings of length 1, a zero row for a track without one: for the diversity of lists.
    ks : sequence of int
        Lengths of lists, ascending.
    sampling : Sampling, optional
    progress : callable, optional
        Called with (users done, users in all, "ranking").

    Returns
    -------
    Report
        Its parameters are those of `sampling`.

    Raises
    ------
    DataError
        If a system gives a score that is not a number.
    """
    sampling = sampling or Sampling()
    background = _background(task, artists, vectors)
    with one_blas_thread():
        parts = _parts(task, background.listeners)
        apart = alone(parts, task.candidates)
        answers, own = answer_and_among(
            systems,
            task,
            max(ks),
            among=[_columns(part, task) for part in apart],
            progress=progress,
        )
        summary = Summary(answers, ks, background=background, sampling=sampling)
        compared = pairs(list(answers))
        return Report(
            protocol=task.protocol,
            ks=tuple(ks),
            sizes=task.sizes,
            parameters=asdict(sampling),
            systems=summary.systems(),
            differences=summary.differences(compared),
            slices=(
                *summary.slices(parts, compared),
                *summary.slices(apart, compared, answers=own),
            ),
            baseline=BASELINE,
        )


def _parts(task: Task, listeners: npt.NDArray[np.int64]) -> list[Part]:
    known, targets = (m.getnnz(axis=1).astype(np.int64) for m in (task.history, task.held_out))
    return by_activity(known, targets) + by_popularity(task.held_out, listeners)


def _columns(part: Part, task: Task) -> npt.NDArray[np.int64]:
    assert part.tracks is not None, "a part of the tracks says which they are"
    return np.flatnonzero(part.tracks[task.candidates])


def _background(
    task: Task, artists: npt.NDArray[np.int32], vectors: npt.NDArray[np.float32] | None
) -> Background:
    plays = task.train.matrix()
    users = int((plays.getnnz(axis=1) > 0).sum())
    listeners = plays.getnnz(axis=0).astype(np.int64)
    return Background(listeners, users, artists, len(task.candidates), vectors)
