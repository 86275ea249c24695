"""The learned ranker as a stage of training."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from data.config import DataConfig
from data.store import Store
from engine.bundle import Bundle, BundleRegistry
from engine.config import Sections
from engine.home import Home
from engine.recommender import Recommender
from engine.spaces import IMPORTED
from engine.training import train
from engine.training.report import Start, TrainingReport
from ranker.config import RankerConfig
from tests.engine.conftest import CF, World
from tests.engine.ranking_world import RECIPE, TwoHalves, two_halves
from tests.engine.test_training import import_plays

SECTIONS = Sections(cf=RECIPE.cf, ranker=RECIPE.ranker, learning=RECIPE.learning)


def import_halves(store: Store, halves: TwoHalves) -> None:
    """Put the world's tracks, plays and embeddings into a store."""
    catalog, plays = halves.catalog, halves.plays
    artists = catalog.column("artist").to_pylist()
    store.put_tracks([pd.DataFrame({"track_id": list(catalog.tracks), "artist": artists})])
    frame = pd.DataFrame(
        {
            "user_id": plays.users.ids(plays.user),
            "track_id": plays.tracks.ids(plays.track),
            "count": plays.count.astype(float),
            "event": "listen",
            "at": -1,
            "played_ms": pd.array([None] * len(plays), dtype="Int64"),
            "event_id": None,
        }
    )
    store.put_listens([frame])
    known = np.flatnonzero(halves.acoustic.known)
    vectors = halves.acoustic.embeddings[known]
    store.put_embeddings(IMPORTED, catalog.tracks.ids(known), vectors, add_unknown_tracks=False)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return Home(tmp_path_factory.mktemp("ranker") / "home").create()


@pytest.fixture(scope="module")
def store(home: Home) -> Iterator[Store]:
    with Store.open(DataConfig().url(home.root)) as opened:
        import_halves(opened, two_halves())
        yield opened


@pytest.fixture(scope="module")
def first(home: Home, store: Store) -> TrainingReport:
    return train(home, store, SECTIONS)


def bundle_of(home: Home, report: TrainingReport) -> Bundle:
    return Bundle.open(BundleRegistry(home.bundles).root / report.bundle)


def test_a_ranker_that_wins_is_in_the_bundle(home: Home, first: TrainingReport) -> None:
    bundle = bundle_of(home, first)
    assert first.published
    assert first.unranked == ""
    assert first.ranker is not None
    assert first.ranker["over_fusion"]["overall"]["low"] > 0
    assert "ranker" in first.seconds
    assert bundle.contents.ranker is not None
    assert bundle.contents.ranker.about["verdict"] == first.ranker
    assert bundle.manifest.metrics["ranker"] == first.ranker
    assert bundle.manifest.config["learning"]["trees"] == RECIPE.learning.trees
    assert Recommender(bundle, RankerConfig()).ranker.name == "learned"


def test_a_ranker_alone_keeps_the_factors(home: Home, store: Store, first: TrainingReport) -> None:
    before = bundle_of(home, first).contents.behaviour
    cf = CF.model_copy(update={"seed": RECIPE.seed})  # not what the factors were trained with
    other = SECTIONS.model_copy(update={"cf": cf})
    report = train(home, store, other, part="ranker", publish=False)
    bundle = bundle_of(home, report)
    assert before is not None
    assert bundle.contents.behaviour is not None
    np.testing.assert_array_equal(bundle.contents.behaviour.item_factors, before.item_factors)
    assert bundle.cf == RECIPE.cf
    assert report.ranker == first.ranker


def test_a_warm_start_keeps_the_ranker(home: Home, store: Store, first: TrainingReport) -> None:
    report = train(home, store, SECTIONS, part="cf", publish=False, start=Start(warm=True))
    bundle = bundle_of(home, report)
    assert bundle.contents.ranker is not None
    assert report.ranker == first.ranker
    assert bundle.manifest.metrics["ranker"] == first.ranker
    assert report.unranked == ""


def test_fusion_is_asked_for_in_settings(home: Home, store: Store, first: TrainingReport) -> None:
    assert first.published
    fused = SECTIONS.model_copy(update={"ranker": RankerConfig(blend="fusion")})
    report = train(home, store, fused, part="ranker", publish=False)
    assert report.ranker is None
    assert report.unranked == "`ranker.blend` is 'fusion'"
    assert bundle_of(home, report).contents.ranker is None


def test_too_few_plays_leave_the_blend_to_fusion(tmp_path: Path, world: World) -> None:
    home = Home(tmp_path / "home").create()
    with Store.open(DataConfig().url(home.root)) as store:
        import_plays(store, world)
        report = train(home, store, Sections(cf=CF))
        assert report.published
        assert report.ranker is None
        assert "at least 60 users with plays to foretell" in report.unranked
        again = train(home, store, Sections(cf=CF), start=Start(warm=True))
        assert again.unranked == report.unranked
    contents = BundleRegistry(home.bundles).open_current().contents
    assert contents.ranker is None
    assert contents.neighbours is not None
