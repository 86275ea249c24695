"""The part of the plays that trials are scored on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from cf_model import CFConfig, train_als
from data.catalog import Catalog
from data.errors import DataError
from data.interactions import Interactions
from engine.evaluation import Task, answer, given_task, make_task
from engine.evaluation.metrics import ndcg
from engine.evaluation.systems import Factors, System

FloatVector = npt.NDArray[np.float64]
Progress = Callable[[int, int, str], None]

K = 20
"""Length of the lists that are scored: that of an answer, unless another is asked for."""

MEASURE = f"ndcg@{K}"
"""What trials are compared by."""

MIN_USERS = 20  # fewer cannot tell settings apart
_MAX_USERS = 2000
_MAX_SCORES = 20_000_000  # users x tracks: half a second of ranking
_MAX_PAIRS = 500_000
_SEED = 7_919  # of the part; not one that an evaluation would take


@dataclass(frozen=True)
class Validation:
    """What is learnt from, and what is to be foretold.

    Attributes
    ----------
    task : Task
        Its users are a random part of those that have something held out.
    """

    task: Task

    @classmethod
    def of(
        cls,
        plays: Interactions,
        catalog: Catalog,
        *,
        protocol: str | None = None,
        held_out: Interactions | None = None,
    ) -> Validation:
        """Hold out a fifth of the plays, or take what is held out already.

        Of more than 500,000 pairs of user and track, those of a random part of the users are
        taken, all pairs of a user or none.

        Parameters
        ----------
        plays : Interactions
            What may be looked at. The test part of an evaluation is none of it.
        catalog : Catalog
            Of the same tracks.
        protocol : str, optional
            "temporal" or "random"; by default the former where every play has a time and enough
            users have something held out by it.

        Raises
        ------
        DataError
            If fewer than 20 users have both a history and a held-out track.
        ParameterError
            If the protocol is unknown.
        """
        if held_out is not None:
            return cls(_fewer_users(given_task(plays, held_out, seed=_SEED)))
        by_time = ["temporal"] if plays.has_times else []
        part = _some_users(plays)
        fault = ""
        for name in [protocol] if protocol else [*by_time, "random"]:
            try:
                task = make_task(part, catalog, protocol=name, seed=_SEED)
            except DataError as error:
                fault = str(error)
                continue
            if len(task) >= MIN_USERS:
                return cls(_fewer_users(task))
            fault = f"Only {len(task)} users have something held out; {MIN_USERS} are needed."
        raise DataError(f"There are too few plays to compare settings by. {fault}")

    def score(self, config: CFConfig, *, progress: Progress | None = None) -> FloatVector:
        """Train ALS, and return nDCG@20 of each user in a full ranking, shape (m,).

        The users' factors are those of training. They are as good as folded-in ones, and free:
        folding in takes longer than training where there are many factors.

        Parameters
        ----------
        config : CFConfig
        progress : callable, optional
            Called with (iterations done, iterations in all, "als"); may raise to end it.

        Raises
        ------
        DataError
            If the numbers overflow.
        """
        task, rng = self.task, np.random.default_rng(config.seed)
        model = train_als(task.train, config, rng=rng, progress=progress)
        users, items = model.user_factors[task.users], model.item_factors[task.candidates]
        return self.value(Factors.of("als", users, items))

    def value(self, system: System) -> FloatVector:
        """Return nDCG@20 of each user in a full ranking, shape (m,)."""
        return ndcg(answer([system], self.task, K)[system.name], K)


def _some_users(plays: Interactions) -> Interactions:
    pairs = plays.matrix().getnnz(axis=1)
    if pairs.sum() <= _MAX_PAIRS:
        return plays
    order = np.random.default_rng(_SEED).permutation(len(pairs))
    taken = np.zeros(len(pairs), np.bool_)
    taken[order[np.cumsum(pairs[order]) <= _MAX_PAIRS]] = True
    return plays.select(taken[plays.user])


def _fewer_users(task: Task) -> Task:
    most = min(_MAX_USERS, max(MIN_USERS, _MAX_SCORES // len(task.candidates)))
    if len(task) <= most:
        return task
    rows = np.sort(np.random.default_rng(_SEED).permutation(len(task))[:most])
    return replace(
        task,
        users=task.users[rows],
        history=task.history[rows],
        held_out=task.held_out[rows],
        start=task.start[rows],
    )
