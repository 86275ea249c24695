from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from data import DataError
from engine.ranking import Learnt, learn_ranker
from engine.ranking.answers import collect
from engine.ranking.holdout import deal, make_holdout
from engine.ranking.training import fit_signals
from ranker.features import NAMES
from tests.engine.conftest import World
from tests.engine.ranking_world import RECIPE, TwoHalves, two_halves


@pytest.fixture(scope="module")
def halves() -> TwoHalves:
    return two_halves()


@pytest.fixture(scope="module")
def learnt(halves: TwoHalves) -> Learnt:
    return learn_ranker(halves.plays, halves.catalog, acoustic=halves.acoustic, recipe=RECIPE)


def test_two_signals_each_right_for_one_half_are_learnt_to_be_told_apart(learnt: Learnt) -> None:
    assert learnt.verdict.objection == ""
    gain = learnt.verdict.over_fusion["overall"]
    assert gain.low is not None
    assert gain.low > 0.03
    overall = learnt.verdict.ndcg["overall"]
    assert overall["learned"] > max(overall[name] for name in ("fusion", "cf", "audio", "popular"))


def test_what_it_is_worth_is_kept_with_it(learnt: Learnt) -> None:
    about = learnt.model.about
    assert about["verdict"] == learnt.verdict.document()
    assert set(about["weights"]) == set(NAMES)
    assert about["weights"]["cf_score"] + about["weights"]["cf_share"] > 0


def test_the_same_plays_give_the_same_ranker(halves: TwoHalves, learnt: Learnt) -> None:
    told: list[tuple[int, int, str]] = []
    again = learn_ranker(
        halves.plays,
        halves.catalog,
        acoustic=halves.acoustic,
        recipe=RECIPE,
        progress=lambda *step: told.append(step),
    )
    assert again.model.trees == learnt.model.trees
    assert again.verdict == learnt.verdict
    assert told == [(1, 1, "ranking")]


def test_of_pure_noise_nothing_is_learnt() -> None:
    noise = two_halves(noise=True)
    found = learn_ranker(noise.plays, noise.catalog, acoustic=noise.acoustic, recipe=RECIPE)
    assert found.verdict.objection


def test_plays_with_times_are_learnt_from_in_one_round() -> None:
    timed = two_halves(users=150, days=90)
    told: list[tuple[int, int, str]] = []
    found = learn_ranker(
        timed.plays,
        timed.catalog,
        acoustic=None,
        recipe=replace(RECIPE, learning=RECIPE.learning.model_copy(update={"rounds": 3})),
        progress=lambda *step: told.append(step),
    )
    assert told == [(1, 1, "ranking")]
    assert found.model.about["weights"]["nearest_play"] == 0  # there is no sound


def test_too_few_plays_are_an_error(world: World) -> None:
    with pytest.raises(DataError, match="at least 60 users with plays to foretell"):
        learn_ranker(world.plays, world.catalog, acoustic=None, recipe=RECIPE)


def test_answers_are_right_where_the_user_listened(halves: TwoHalves) -> None:
    rng = np.random.default_rng(0)
    parts = deal(list(halves.plays.users))
    holdout = make_holdout(halves.plays, halves.catalog, held_out=0.2, parts=parts, rng=rng)
    signals = fit_signals(holdout.train, halves.catalog, acoustic=halves.acoustic, recipe=RECIPE)
    assert (signals.contents.listeners[holdout.cold >= 0] == 0).all()
    users = holdout.askable(2)[:8]
    asked = list(holdout.questions(users, "warm", part=2))
    found = collect(asked, signals, RECIPE.ranker)
    assert len(found) == len(asked) > 0
    assert found.kinds == ["warm"] * len(asked)
    for at, (question, tracks, table, lists) in enumerate(
        zip(asked, found.tracks, found.tables, found.lists, strict=True)
    ):
        assert question.eligible[tracks].all()
        assert table.shape == (len(tracks), len(NAMES))
        assert tracks[found.labels(at) == 1].tolist() == [
            track for track in question.targets.tolist() if track in tracks
        ]
        assert set(lists) == {"fusion", "cf", "audio", "popular"}
        assert all(0 < best.size <= 10 and np.isin(best, tracks).all() for best in lists.values())
    few = RECIPE.ranker.model_copy(update={"quota": 3, "quota_audio": 0, "quota_seeds": 0})
    lone = collect(asked, signals, few)
    for tracks, lists in zip(lone.tracks, lone.lists, strict=True):
        assert not lists["audio"].size
        assert {lists["cf"].size, lists["popular"].size} == {3}
        assert tracks.size <= 3 * len(signals.retrievers)
