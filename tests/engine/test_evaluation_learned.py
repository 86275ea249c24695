"""The learned ranker under test, asked as it is served."""

from __future__ import annotations

import numpy as np

from engine.evaluation.answering import answer
from engine.evaluation.learned import Served, learned
from engine.evaluation.protocols import make_task
from ranker.fusion import ReciprocalRankFusion
from tests.engine.conftest import World
from tests.engine.ranking_world import RECIPE, two_halves


def test_it_is_learnt_on_the_training_part_and_answers_as_a_recommender_does() -> None:
    world = two_halves()
    task = make_task(world.plays, world.catalog, protocol="random")
    system = learned(task, world.catalog, world.acoustic.embeddings, recipe=RECIPE, name="blend")
    assert isinstance(system, Served)
    assert system.signals.contents.plays.sum() == task.train.count.sum()
    scores = system.scores(slice(3, 8))
    assert scores.shape == (5, len(task.candidates))
    for row, values in enumerate(scores):
        proposed = np.flatnonzero(np.isfinite(values))
        known = task.history[3 + row].indices
        assert 0 < len(proposed) < len(values)
        assert not np.isin(task.candidates[proposed], known).any()
        assert sorted(-values[proposed]) == list(range(len(proposed)))  # places, each once
    some = np.arange(0, len(task.candidates), 7)
    among = system.scores_among(slice(3, 8), some)
    assert np.isfinite(among[:, some]).any(axis=1).all()
    assert not np.isfinite(np.delete(among, some, axis=1)).any()
    # With fewer tracks to choose from, retrievers propose more of them.
    assert np.isfinite(among[:, some]).sum() > np.isfinite(scores[:, some]).sum()
    found = answer([system], task, 10)["blend"]
    assert found.hits.any(axis=1).mean() > 0.5  # of 424 tracks, chance hits one in twenty lists


def test_where_the_learned_ranker_does_not_win_rank_fusion_is_asked() -> None:
    world = two_halves(noise=True)
    task = make_task(world.plays, world.catalog, protocol="random")
    system = learned(task, world.catalog, world.acoustic.embeddings, recipe=RECIPE, name="blend")
    assert isinstance(system, Served)
    assert isinstance(system.blend, ReciprocalRankFusion)
    assert system.note.startswith("rank fusion blends: the learned ranker is")


def test_few_plays_are_a_reason(world: World) -> None:
    task = make_task(world.plays, world.catalog, protocol="random")
    found = learned(task, world.catalog, None, recipe=RECIPE, name="blend")
    assert isinstance(found, str)
    assert "at least 60 users" in found
