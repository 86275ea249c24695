"""From systems and a task to a report."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt

from data.threads import one_blas_thread
from engine.evaluation.answering import answer_and_among
from engine.evaluation.beyond import Background
from engine.evaluation.lineup import BASELINE, pairs
from engine.evaluation.results import Report
from engine.evaluation.scores import Scores, pool, score
from engine.evaluation.slices import Part, alone, by_activity, by_popularity
from engine.evaluation.summary import Sampling, Summary
from engine.evaluation.systems import System
from engine.evaluation.task import Task

Progress = Callable[[int, int, str], None]


@dataclass(frozen=True, eq=False)
class Measured:
    """One split, measured.

    Attributes
    ----------
    protocol : str
    sizes : mapping of str to int
        See `Task.sizes`.
    scores : Scores
    """

    protocol: str
    sizes: Mapping[str, int]
    scores: Scores


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
    systems, task, artists, vectors, ks, progress
        See `measure_split`.
    sampling : Sampling, optional

    Returns
    -------
    Report
        Its parameters are those of `sampling`.

    Raises
    ------
    DataError
        If a system gives a score that is not a number.
    """
    split = measure_split(systems, task, artists=artists, vectors=vectors, ks=ks, progress=progress)
    return summarise([split], ks, sampling=sampling)


def measure_split(
    systems: Sequence[System],
    task: Task,
    *,
    artists: npt.NDArray[np.int32],
    vectors: npt.NDArray[np.float32] | None,
    ks: Sequence[int],
    progress: Progress | None = None,
) -> Measured:
    """Ask all systems for their lists, and measure these, user by user.

    Parameters
    ----------
    systems : sequence of System
        Any number, of different names, trained.
    task : Task
    artists : ndarray of int32, shape (t,)
        Codes of the tracks' artists; -1 where unknown.
    vectors : ndarray of float32, shape (t, d), optional
        Embeddings of length 1, a zero row for a track without one: for the diversity of lists.
    ks : sequence of int
        Lengths of lists, ascending.
    progress : callable, optional
        Called with (users done, users in all, "ranking").

    Raises
    ------
    DataError
        If a system gives a score that is not a number.
    """
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
        lists = [*((part, answers) for part in parts), *zip(apart, own, strict=True)]
        scores = score(answers, ks, users=task.users, background=background, parts=lists)
    return Measured(task.protocol, task.sizes, scores)


def summarise(
    splits: Sequence[Measured], ks: Sequence[int], *, sampling: Sampling | None = None
) -> Report:
    """Report what was measured of one split, or of several of the same plays together.

    Parameters
    ----------
    splits : sequence of Measured
        Of one protocol; at least one.
    ks : sequence of int
        Lengths of lists, ascending, by which they were measured.
    sampling : Sampling, optional

    Returns
    -------
    Report
        Its systems are those of all splits, compared as `lineup.pairs` says; its parameters are
        those of `sampling`. Of several splits, users are counted once and targets each time; the
        other sizes are means.
    """
    sampling = sampling or Sampling()
    pooled = pool([split.scores for split in splits])
    with one_blas_thread():
        summary = Summary(pooled, sampling=sampling)
        compared = pairs(list(pooled.of_all))
        return Report(
            protocol=splits[0].protocol,
            ks=tuple(ks),
            sizes=_sizes(splits, users=len(pooled.table.users)),
            parameters=asdict(sampling),
            systems=summary.systems(),
            differences=summary.differences(compared),
            slices=summary.slices(compared),
            baseline=BASELINE,
        )


def _sizes(splits: Sequence[Measured], *, users: int) -> dict[str, int]:
    each = {name: [split.sizes[name] for split in splits] for name in splits[0].sizes}
    means = {name: round(sum(values) / len(values)) for name, values in each.items()}
    return means | {"users": users, "targets": sum(each["targets"])}


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
