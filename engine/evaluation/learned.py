"""The blend under test, asked as it is served: user by user, through all retrievers.

It is the learned ranker where that won on its own validation part, else rank fusion.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from data.catalog import Catalog
from data.errors import DataError
from data.history import History
from engine.blending import propose
from engine.bundle.contents import Acoustic
from engine.evaluation.ranking import FloatBlock, IntVector
from engine.evaluation.task import Task
from engine.evidence import FeatureMaker
from engine.ranking import Recipe, fit_signals, learn_ranker
from engine.signals import Signals
from engine.taste import histories_of
from ranker.candidates import Blend, Query
from ranker.config import RankerConfig
from ranker.fusion import ReciprocalRankFusion
from ranker.learned import LearnedRanker


@dataclass(frozen=True, eq=False)
class Served:
    """Scores the candidates that retrievers propose, as a recommender does.

    Attributes
    ----------
    name : str
    task : Task
    signals : Signals
        Of the training part.
    blend : Blend
    config : RankerConfig
        Its quotas count.
    note : str
        Why it is not the learned ranker that blends; empty where it is.
    """

    name: str
    task: Task
    signals: Signals
    blend: Blend
    config: RankerConfig
    note: str = ""

    def scores(self, rows: slice) -> FloatBlock:
        """Return scores of shape (b, e); minus infinity for what no retriever proposes."""
        return self.scores_among(rows, np.arange(len(self.task.candidates)))

    def scores_among(self, rows: slice, columns: IntVector) -> FloatBlock:
        """Return the scores of answers that may hold only some columns, shape (b, e)."""
        users = range(len(self.task))[rows]
        places = np.full(len(self.task.train.tracks), -1, np.int64)
        places[self.task.candidates[columns]] = columns
        open_to_all = places >= 0
        found = np.full((len(users), len(self.task.candidates)), -np.inf, np.float32)
        for row, history in enumerate(self._histories(users)):
            eligible = open_to_all.copy()
            eligible[history.tracks] = False
            ranked = self._ranked(Query(history, eligible))
            # By place, not by score: equal float32 scores would lose their order.
            found[row, places[ranked]] = -np.arange(len(ranked), dtype=np.float32)
        return found

    def _ranked(self, query: Query) -> npt.NDArray[np.int32]:
        pool = propose(query, self.signals, self.config, blend=self.blend)
        return self.blend.rank(query, pool, len(pool.tracks)).tracks

    def _histories(self, users: range) -> Iterator[History]:
        if self.task.shown is None:
            yield from histories_of(self.task.history[users.start : users.stop])
        else:
            yield from (self.task.shown.history(int(self.task.users[u])) for u in users)


def learned(
    task: Task,
    catalog: Catalog,
    vectors: npt.NDArray[np.float32] | None,
    *,
    recipe: Recipe,
    name: str,
) -> Served | str:
    """Learn to rank on the training part of a task, and fit the models that are served to it.

    Parameters
    ----------
    task : Task
    catalog : Catalog
    vectors : ndarray of float32, shape (t, d), optional
        Embeddings of length 1; a zero row for a track without one.
    recipe : Recipe
    name : str

    Returns
    -------
    Served or str
        Why there is none, where there are too few plays.
    """
    acoustic = None
    if vectors is not None:
        acoustic = Acoustic("under test", vectors, np.asarray(vectors.any(axis=1)))
    try:
        found = learn_ranker(task.train, catalog, acoustic=acoustic, recipe=recipe)
    except DataError as error:
        return str(error)
    signals = fit_signals(task.train, catalog, acoustic=acoustic, recipe=recipe)
    note = found.verdict.objection
    if note:  # as a bundle would be served
        fusion = ReciprocalRankFusion(recipe.ranker)
        return Served(name, task, signals, fusion, recipe.ranker, f"rank fusion blends: {note}")
    blend = LearnedRanker(found.model, FeatureMaker(signals).table)
    return Served(name, task, signals, blend, recipe.ranker)
