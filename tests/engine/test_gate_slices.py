"""The gate against bundles that serve some users or tracks worse than the one before."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from data import Catalog, Interactions, Vocabulary
from engine.bootstrap import Estimate
from engine.bundle import Acoustic, BundleContents
from engine.gate import Comparison, Loss, compare, keeping_factors
from engine.gate.making import Making, taken_over
from engine.gate.sides import Side
from engine.ranking import Learnt, Recipe, learn_ranker
from ranker.config import RankerConfig
from ranker.learned import LearnedRanker
from tests.engine.conftest import World
from tests.engine.styled_world import CF, RECIPE, Styled, sound, styled_world

POOR = replace(RECIPE, cf=CF.model_copy(update={"factors": 1}))


LEARNED = replace(RECIPE, ranker=RankerConfig())


@pytest.fixture(scope="module")
def styled() -> Styled:
    return styled_world()


@pytest.fixture(scope="module")
def learnt(styled: Styled) -> Learnt:
    return learn_ranker(styled.plays, styled.catalog, acoustic=sound(), recipe=LEARNED)


def worse(found: Comparison) -> set[str]:
    return {name for name, loss in found.slices.items() if loss.significant}


def test_sound_that_says_nothing_is_refused_for_cold_tracks(styled: Styled, tmp_path: Path) -> None:
    old = styled.bundle(tmp_path, styled.contents(sound()))
    spoilt = styled.contents(sound(shuffled=True))
    found = compare(spoilt, old, styled.plays, recipe=RECIPE)
    assert "cold" in worse(found)
    cold = found.slices["cold"]
    assert cold.new < cold.old - 0.2
    assert cold.users >= 20
    [clause] = [text for text in found.objections if "slice cold" in text]
    assert clause.startswith("it is worse on tracks that nobody has played")
    assert f"nDCG@10 {cold.new:.4f} instead of {cold.old:.4f} (-0." in clause
    assert f"{cold.users} users)" in clause
    document = found.document()["slices"]["cold"]
    assert document["verdict"] == "worse"
    assert document["difference"]["high"] < 0
    # The other way round it is an improvement, and nothing stands against it.
    mended = compare(
        styled.contents(sound()), styled.bundle(tmp_path, spoilt), styled.plays, recipe=RECIPE
    )
    assert mended.objections == []
    assert mended.slices["cold"].difference.mean == pytest.approx(-cold.difference.mean)


def test_factors_that_say_little_are_refused_for_warm_users(styled: Styled, tmp_path: Path) -> None:
    old = styled.bundle(tmp_path, styled.contents(None))
    found = compare(styled.contents(None, POOR), old, styled.plays, recipe=POOR)
    assert {"overall", "warm"} <= worse(found)
    assert found.slices["cold"].difference.mean == 0  # neither has anything to tell of them
    better = compare(
        styled.contents(None),
        styled.bundle(tmp_path, styled.contents(None, POOR), POOR),
        styled.plays,
        recipe=RECIPE,
    )
    assert better.objections == []
    assert better.slices["warm"].difference.low is not None
    assert better.slices["warm"].difference.low > 0


def test_a_bundle_that_is_made_alike_is_not_compared(styled: Styled, tmp_path: Path) -> None:
    contents = styled.contents(sound())
    old = styled.bundle(tmp_path, contents)
    threads = replace(RECIPE, cf=CF.model_copy(update={"threads": 2}))
    for recipe in (RECIPE, threads):  # the number of threads changes nothing
        found = compare(contents, old, styled.plays, recipe=recipe)
        assert found.skipped == "Both are made alike, if of other plays."
        assert not found.slices
        assert found.objections == []


def test_what_differs_between_two_bundles(styled: Styled, tmp_path: Path) -> None:
    contents = styled.contents(sound())
    old = styled.bundle(tmp_path, contents)
    made = Making.of_old(old, contents, RECIPE)

    def same(recipe: Recipe = RECIPE, **changed: object) -> bool:
        return made.same_as(Making.of_new(replace(contents, **changed), recipe))  # type: ignore[arg-type]

    assert same()
    assert not same(acoustic=sound(shuffled=True))
    assert not same(acoustic=sound(width=5))
    assert not same(acoustic=None)
    assert not same(neighbours=None)
    assert not same(POOR)
    assert not same(replace(RECIPE, prior=RECIPE.prior.model_copy(update={"strength": 0.0})))
    # Settings of answers are those of today, whichever bundle serves.
    today = replace(RECIPE, ranker=RankerConfig(blend="fusion", weight_audio=0.9))
    assert Making.of_old(old, contents, today).same_as(Making.of_new(contents, today))


def test_embeddings_of_another_width_are_compared(styled: Styled, tmp_path: Path) -> None:
    old = styled.bundle(tmp_path, styled.contents(sound(width=12)))
    found = compare(styled.contents(sound(space="other")), old, styled.plays, recipe=RECIPE)
    assert {"overall", "warm", "cold"} <= set(found.slices)
    assert found.objections == []


def test_a_bundle_of_an_earlier_version_is_compared(styled: Styled, tmp_path: Path) -> None:
    contents = styled.contents(sound())
    old = styled.old_schema(tmp_path, contents)
    made = Making.of_old(old, contents, RECIPE)
    assert made.lacks == {"neighbours", "recent"}
    assert not made.recipe.hears
    assert made.recipe.cf.frequency_power == 0
    signals = made.fitted(styled.plays, styled.catalog, None)
    assert set(signals.retrievers) == {"cf", "audio", "seeds", "popular"}
    found = compare(contents, old, styled.plays, recipe=RECIPE)
    assert found.skipped == ""
    assert found.slices["cold"].difference.mean > -0.05


def test_too_few_users_are_no_reason_to_refuse(world: World, tmp_path: Path) -> None:
    recipe = Recipe(cf=world.sections.cf)
    spoilt = replace(world.contents, acoustic=None)
    found = compare(spoilt, world.bundle(tmp_path), world.plays, recipe=recipe)
    assert found.skipped.startswith("It takes 20 users to compare by.")
    assert found.objections == []


def test_no_plays_are_no_reason_to_refuse(styled: Styled, tmp_path: Path) -> None:
    old = styled.bundle(tmp_path, styled.contents(sound()))
    nothing = np.zeros(len(styled.plays), bool)
    none: Interactions = styled.plays.select(nothing)
    found = compare(styled.contents(None), old, none, recipe=RECIPE)
    assert found.skipped
    assert found.objections == []


def test_what_the_ranker_was_trained_by_is_used_again(
    styled: Styled, learnt: Learnt, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    contents = replace(styled.contents(sound()), ranker=learnt.model)
    old = styled.bundle(tmp_path, replace(contents, ranker=None))
    fitted = []
    plain = Making.fitted
    monkeypatch.setattr(Making, "fitted", lambda *a: fitted.append(a[0]) or plain(*a))
    found = compare(contents, old, styled.plays, recipe=LEARNED, trial=learnt.trial)
    assert [making.ranker for making in fitted] == [None]
    afresh = compare(contents, old, styled.plays, recipe=LEARNED)
    assert len(fitted) == 3
    assert afresh.slices == found.slices
    # Nothing but the ranker differs, and of that, nothing but the order of the same candidates.
    assert found.slices["warm"].users == afresh.slices["warm"].users >= 20
    # Read from disk, the ranker is the same one; where rank fusion blends, it does not count.
    again = styled.bundle(tmp_path, contents)
    assert compare(contents, again, styled.plays, recipe=LEARNED).skipped.startswith(
        "Both are made"
    )
    assert Making.of_old(again, contents, RECIPE).ranker is None


def test_a_ranker_is_compared_as_it_was_judged(
    styled: Styled, learnt: Learnt, tmp_path: Path
) -> None:
    model = learnt.model
    assert model.as_judged is not None
    assert model.trees != model.as_judged.trees
    contents = replace(styled.contents(sound()), ranker=model)
    bundle = styled.bundle(tmp_path, contents)
    kept = bundle.contents.ranker
    assert kept is not None
    assert kept.as_judged is not None
    assert (kept.trees, kept.as_judged.trees) == (model.trees, model.as_judged.trees)
    signals = Making.of_new(contents, LEARNED).fitted(styled.plays, styled.catalog, None)
    side = Side.of(signals, Making.of_old(bundle, contents, LEARNED))
    assert isinstance(side.blend, LearnedRanker)
    assert side.blend.model is kept.as_judged
    # One that learnt from all users would be judged by what it was taught.
    taught = replace(contents, ranker=replace(model.as_judged, about={}))
    found = compare(taught, bundle, styled.plays, recipe=LEARNED)
    assert found.skipped.startswith("A ranker that has learnt from all users")


def test_tracks_that_the_old_bundle_did_not_know_have_no_old_sound() -> None:
    vectors = np.eye(3, dtype=np.float32)
    old = Acoustic("imported", vectors[[0, 1]], np.array([True, False]))
    contents = _contents(["a", "b"], old)
    catalog = _catalog(["a", "b", "c"])
    assert taken_over(_contents(["a", "b"], None), catalog, like=old) is None

    alone = taken_over(contents, catalog, like=None)
    assert alone is not None
    assert alone.known.tolist() == [True, False, False]
    np.testing.assert_array_equal(alone.embeddings, [vectors[0], np.zeros(3), np.zeros(3)])

    # The same encoder heard the others later, as the track that both know shows.
    later = Acoustic("imported", vectors, np.array([True, True, True]))
    grown = taken_over(contents, catalog, like=later)
    assert grown is not None
    assert grown.known.all()
    np.testing.assert_array_equal(grown.embeddings, vectors)

    # Other vectors under the same name say nothing of what the old ones would have been.
    turned = Acoustic("imported", vectors[::-1].copy(), np.ones(3, bool))
    kept = taken_over(contents, catalog, like=turned)
    assert kept is not None
    assert kept.known.tolist() == [True, False, False]

    # A fingerprint is proof enough: a file that has changed since has another vector.
    contents = _contents(["a", "b"], replace(old, space="f00"))
    heard = taken_over(contents, catalog, like=replace(turned, space="f00"))
    assert heard is not None
    np.testing.assert_array_equal(heard.embeddings, vectors[[0, 1, 0]])


def test_kept_factors_are_judged_with_the_sound_that_they_were_learnt_with(
    styled: Styled, tmp_path: Path
) -> None:
    old = styled.bundle(tmp_path, styled.contents(sound()))
    other = replace(old.contents, acoustic=sound(width=5, space="other"))
    today = replace(POOR, ranker=RankerConfig(rrf_k=3))
    kept = keeping_factors(old, other, today)
    assert (kept.cf, kept.ranker.rrf_k, kept.hears) == (CF, 3, True)
    assert kept.heard is not None
    assert kept.heard.embeddings.shape == (240, 6)
    signals = Making.of_new(other, kept).fitted(styled.plays, styled.catalog, None)
    behaviour = signals.contents.behaviour
    assert behaviour is not None
    assert behaviour.prior is None
    assert keeping_factors(old, old.contents, today).heard is None

    silent = styled.bundle(tmp_path, styled.contents(None))
    assert not keeping_factors(silent, other, today).hears


def test_a_loss_in_words_and_numbers() -> None:
    loss = Loss(0.25, 0.125, Estimate(-0.125, -0.2, -0.05), 1234)
    assert loss.significant
    assert str(loss) == (
        "nDCG@10 0.1250 instead of 0.2500 (-0.1250, 99% interval -0.2000 to -0.0500, 1,234 users)"
    )
    assert not Loss(0.25, 0.24, Estimate(-0.01, -0.02, 0.0), 100).significant
    assert Comparison("b", {"tail": loss}).objections == [
        f"it is worse on tracks of few listeners (slice tail): {loss}"
    ]


def _catalog(ids: list[str]) -> Catalog:
    return Catalog.from_frame(pd.DataFrame({"track_id": ids}))


def _contents(ids: list[str], acoustic: Acoustic | None) -> BundleContents:
    zeros = np.zeros(len(ids), np.float32)
    return BundleContents(_catalog(ids), Vocabulary([]), zeros, zeros, acoustic)
