"""Behaviour in bundles: sound as the prior, warm starts, what is inherited."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cf_model import CFConfig, gram_matrix
from data import DataError, Interactions
from data.config import DataConfig
from data.store import Store
from engine.behaviour import WARM_ITERATIONS, inherit_behaviour
from engine.bundle import Bundle, BundleRegistry
from engine.config import Sections
from engine.home import Home
from engine.spaces import IMPORTED
from engine.training import train
from engine.training.report import Start
from tests.engine.tuning_world import sample_plays

SECTIONS = Sections(cf=CFConfig(factors=6, iterations=8))
COLD = 5


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home").create()


@pytest.fixture
def store(home: Home) -> Iterator[Store]:
    with Store.open(DataConfig().url(home.root)) as opened:
        yield opened


def fill(store: Store, plays: Interactions) -> None:
    """Import all plays but those of the track `COLD`, and vectors for all tracks but one."""
    listens = plays.select(plays.track != COLD)
    frame = {
        "user_id": listens.users.ids(listens.user),
        "track_id": listens.tracks.ids(listens.track),
        "count": listens.count.astype(float),
        "event": "listen",
        "at": listens.at,
    }
    rows = pd.DataFrame(frame).assign(played_ms=pd.array([None] * len(listens), "Int64"))
    store.put_listens([rows.assign(event_id=None)])
    vectors = np.random.default_rng(0).standard_normal((len(plays.tracks), 5)).astype(np.float32)
    ids = plays.tracks.ids(np.arange(1, len(plays.tracks)))
    store.put_embeddings(IMPORTED, ids, vectors[1:], add_unknown_tracks=True)


def current(home: Home) -> Bundle:
    return BundleRegistry(home.bundles).open_current()


def test_a_track_without_plays_has_the_factor_that_its_sound_predicts(
    home: Home, store: Store
) -> None:
    fill(store, sample_plays()[1])
    train(home, store, SECTIONS)
    contents = current(home).contents
    behaviour, acoustic = contents.behaviour, contents.acoustic
    assert behaviour is not None
    assert behaviour.prior is not None
    assert acoustic is not None
    cold = contents.catalog.tracks.index(sample_plays()[1].tracks.id(COLD))
    assert contents.listeners[cold] == 0
    predicted, uncertainty = behaviour.prior.predict(acoustic.embeddings)
    np.testing.assert_allclose(behaviour.item_factors[cold], predicted[cold], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(behaviour.uncertainty, uncertainty, rtol=1e-5)
    assert behaviour.gram is not None
    # Users are folded in against what plays alone trained, not against predictions.
    assert not np.allclose(behaviour.gram, gram_matrix(behaviour.item_factors))


def test_a_warm_start_goes_on_with_the_settings_of_the_bundle(home: Home, store: Store) -> None:
    fill(store, sample_plays()[1])
    train(home, store, SECTIONS)
    first = current(home)
    other = Sections(cf=CFConfig(factors=9, alpha=3.0))
    report = train(home, store, other, part="cf", start=Start(warm=True))
    second = current(home)
    assert second.id == report.bundle != first.id
    assert second.manifest.config["cf"] == first.manifest.config["cf"]
    old, new = first.contents.behaviour, second.contents.behaviour
    assert old is not None
    assert new is not None
    # As many sweeps from random factors end up elsewhere.
    cold = Sections(cf=SECTIONS.cf.model_copy(update={"iterations": WARM_ITERATIONS, "seed": 8}))
    train(home, store, cold, part="cf")
    anew = current(home).contents.behaviour
    assert anew is not None
    moved, elsewhere = (np.abs(b.user_factors - old.user_factors).max() for b in (new, anew))
    assert moved < 0.2 * elsewhere


def test_a_warm_start_needs_a_bundle_with_factors(home: Home, store: Store) -> None:
    fill(store, sample_plays()[1])
    with pytest.raises(DataError, match="A warm start needs a current bundle with factors"):
        train(home, store, SECTIONS, part="cf", start=Start(warm=True))


def test_what_was_learnt_of_sound_is_inherited_with_its_space(home: Home, store: Store) -> None:
    fill(store, sample_plays()[1])
    train(home, store, SECTIONS)
    bundle = current(home)
    catalog, users = bundle.contents.catalog, bundle.contents.users
    same = inherit_behaviour(bundle, catalog, users, space=IMPORTED)
    other = inherit_behaviour(bundle, catalog, users, space="another")
    old = bundle.contents.behaviour
    assert same is not None
    assert other is not None
    assert old is not None
    assert same.prior is old.prior
    assert other.prior is None
    np.testing.assert_array_equal(same.uncertainty, old.uncertainty)
    for inherited in (same, other):
        np.testing.assert_array_equal(inherited.item_factors, old.item_factors)
        np.testing.assert_array_equal(inherited.gram, old.gram)
