"""The systems under test, each learnt from the training part of a task alone.

================  =============================================================================
popularity        number of distinct listeners in training
neighbours        item neighbours by a random walk
ease              a linear item model in closed form
als-plain         ALS with one penalty for all
als               ALS of the training plays, users folded in from their history, as when serving
als-refit         ALS that learnt the tested users' histories, too (protocol new-user alone)
als-sound         ALS with sound as the prior of the tracks' factors
audio             taste centres of the user in sound
audio-mean        cosine to the mean of the user's tracks in sound
fusion            reciprocal-rank fusion of `als-sound`, `audio` and `popularity`, over the full
                  ranking of each, with the weights that are served
fusion-plain      the same as published: equal weights, k = 60
*-shuffled        controls: the same with the vectors shuffled among the tracks that have one
================  =============================================================================

If a system is as good with the shuffled vectors, then sound was not what made it good. Which
tracks have a vector stays as it is, and may itself tell something: well-known tracks have one more
often, so a control can do a little better than chance.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from cf_model.linear import LinearModel
from engine.evaluation.ranking import FloatBlock, IntBlock, IntVector, ranks
from engine.evaluation.task import Task

FloatMatrix = npt.NDArray[np.float32]
Bools = npt.NDArray[np.bool_]


class System(Protocol):
    """Scores every candidate of a task for some of its users."""

    @property
    def name(self) -> str:
        """What the report calls it."""
        ...

    def scores(self, rows: slice) -> FloatBlock:
        """Return scores of shape (b, e) of a block of users and all of `Task.candidates`.

        Minus infinity where the system knows nothing of a track or user; never NaN.
        """
        ...


@runtime_checkable
class Chooser(Protocol):
    """A system whose order of some tracks depends on which others could be answered."""

    def scores_among(self, rows: slice, columns: IntVector) -> FloatBlock:
        """Return scores as `System.scores` does, where only some columns can be answered.

        Minus infinity in all others.
        """
        ...


@dataclass(frozen=True)
class Factors:
    """Scores by the dot product of a user's and a track's vector.

    Attributes
    ----------
    name : str
    users : ndarray of float32, shape (m, d)
    items : ndarray of float32, shape (e, d)
    known_users : ndarray of bool, shape (m,)
    known_items : ndarray of bool, shape (e,)
    """

    name: str
    users: FloatMatrix
    items: FloatMatrix
    known_users: Bools
    known_items: Bools

    @classmethod
    def of(
        cls, name: str, users: FloatMatrix, items: FloatMatrix, *, known_items: Bools | None = None
    ) -> Factors:
        """Make a system of vectors of which those that are all zero say nothing.

        Parameters
        ----------
        name : str
        users, items : ndarray of float32
            As the attributes.
        known_items : ndarray of bool, shape (e,), optional
            Where a zero vector is not what makes a track unknown.
        """
        if known_items is None:
            known_items = np.asarray(items.any(axis=1))
        return cls(name, users, items, np.asarray(users.any(axis=1)), known_items)

    def scores(self, rows: slice) -> FloatBlock:
        """Return the products; minus infinity for an unknown user or track."""
        scores: FloatBlock = self.users[rows] @ self.items.T  # (b, d) @ (d, e) -> (b, e)
        scores[:, ~self.known_items] = -np.inf
        scores[~self.known_users[rows]] = -np.inf
        return scores


@dataclass(frozen=True)
class ByHistory:
    """Scores by weights between tracks, from a user's history.

    Attributes
    ----------
    name : str
    model : LinearModel
    task : Task
    """

    name: str
    model: LinearModel
    task: Task

    def scores(self, rows: slice) -> FloatBlock:
        """Return the model's scores; minus infinity where they are 0, which says nothing."""
        scores = self.model.scores(self.task.history[rows], self.task.candidates)
        scores[scores == 0] = -np.inf
        return scores


class Ranking:
    """A system's ranks among the tracks that a user may be answered.

    The last block is kept: `fusion` and `fusion-shuffled` ask for the same ones.
    """

    def __init__(self, system: System, task: Task) -> None:
        self._system, self._task = system, task
        self._last: tuple[slice, IntBlock] | None = None

    def ranks(self, rows: slice) -> IntBlock:
        """Return ranks from 1, shape (b, e); 0 for a track that is seen or not known."""
        if self._last is None or self._last[0] != rows:
            scores = exclude_seen(self._task, rows, self._system.scores(rows))
            self._last = rows, ranks(scores, start=self._task.start[rows])
        return self._last[1]


@dataclass(frozen=True)
class Fusion:
    """Reciprocal-rank fusion of other systems.

    The score of a track is the sum over systems of ``weight / (rrf_k + rank)``, its rank taken
    among all tracks that the user may be answered; a system that knows nothing of it adds nothing.
    Cormack, Clarke and Büttcher, "Reciprocal Rank Fusion outperforms Condorcet and individual Rank
    Learning Methods", SIGIR 2009.

    Attributes
    ----------
    name : str
    parts : sequence of Ranking
    weights : sequence of float
        One a part.
    rrf_k : float
    """

    name: str
    parts: Sequence[Ranking]
    weights: Sequence[float]
    rrf_k: float

    def scores(self, rows: slice) -> FloatBlock:
        """Return the fused scores; minus infinity where no part knows anything."""
        fused: FloatBlock | None = None
        for part, weight in zip(self.parts, self.weights, strict=True):
            ranked = part.ranks(rows)
            gains = np.float32(weight) / (np.float32(self.rrf_k) + ranked.astype(np.float32))
            gains[ranked == 0] = 0
            fused = gains if fused is None else fused + gains
        assert fused is not None, "a fusion has parts"
        fused[fused == 0] = -np.inf
        return fused


def exclude_seen(task: Task, rows: slice, scores: FloatBlock) -> FloatBlock:
    """Set the known plays of a block of users to minus infinity, in place."""
    seen: sp.csr_matrix = task.seen[rows]
    at = np.repeat(np.arange(seen.shape[0]), np.diff(seen.indptr))
    scores[at, seen.indices] = -np.inf
    return scores
