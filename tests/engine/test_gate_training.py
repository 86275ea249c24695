"""The gate at the end of a training."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from data.config import DataConfig
from data.store import Store
from engine.bundle import Acoustic, BundleRegistry
from engine.config import EngineConfig
from engine.home import Home
from engine.spaces import IMPORTED
from engine.training import train
from tests.engine.styled_world import SECTIONS, Styled, sound, styled_world


@pytest.fixture(scope="module")
def styled() -> Styled:
    return styled_world()


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home").create()


@pytest.fixture
def store(home: Home, styled: Styled) -> Iterator[Store]:
    plays, tracks = styled.plays, styled.catalog
    listens = pd.DataFrame(
        {
            "user_id": plays.users.ids(plays.user),
            "track_id": plays.tracks.ids(plays.track),
            "count": 1.0,
            "event": "listen",
            "at": -1,
            "played_ms": pd.array([None] * len(plays), dtype="Int64"),
            "event_id": None,
        }
    )
    with Store.open(DataConfig().url(home.root)) as opened:
        artists = tracks.column("artist").to_pylist()
        opened.put_tracks([pd.DataFrame({"track_id": list(tracks.tracks), "artist": artists})])
        opened.put_listens([listens])
        yield opened


def put(store: Store, styled: Styled, acoustic: Acoustic) -> None:
    store.put_embeddings(IMPORTED, list(styled.catalog.tracks), acoustic.embeddings)


def test_a_worse_bundle_waits_for_somebody_to_publish_it(
    home: Home, store: Store, styled: Styled
) -> None:
    put(store, styled, sound())
    registry = BundleRegistry(home.bundles)
    first = train(home, store, SECTIONS)
    assert first.published
    assert first.gate is None  # there was nothing to compare it with
    assert registry.open_current().manifest.metrics["gate"] is None

    equal = train(home, store, SECTIONS)
    assert equal.published
    assert equal.gate is not None
    assert equal.gate["skipped"] == "Both are made alike, if of other plays."

    put(store, styled, sound(shuffled=True))
    worse = train(home, store, SECTIONS)
    assert not worse.published
    assert any("slice cold" in clause for clause in worse.refused)
    assert worse.gate is not None
    assert worse.gate["replaces"] == equal.bundle
    assert worse.gate["slices"]["cold"]["verdict"] == "worse"
    assert registry.current_id() == equal.bundle
    [written] = [m for m in registry.manifests() if m.bundle_id == worse.bundle]
    assert written.metrics["gate"] == worse.gate

    # Whoever wants it has it, and goes on from there.
    registry.publish(worse.bundle)
    put(store, styled, sound())
    better = train(home, store, SECTIONS)
    assert better.published
    assert better.gate is not None
    assert better.gate["slices"]["cold"]["difference"]["low"] > 0


def test_the_comparison_can_be_turned_off(home: Home, store: Store, styled: Styled) -> None:
    put(store, styled, sound())
    train(home, store, SECTIONS)
    put(store, styled, sound(shuffled=True))
    off = SECTIONS.model_copy(update={"engine": EngineConfig(gate="faults")})
    report = train(home, store, off)
    assert report.published
    assert report.gate is None
    assert "gate" not in report.seconds


def test_sound_that_is_gone_is_refused_before_anything_is_compared(
    home: Home, store: Store, styled: Styled
) -> None:
    put(store, styled, sound())
    first = train(home, store, SECTIONS)
    gone = EngineConfig(embeddings="encoder", gate="faults")
    report = train(home, store, SECTIONS.model_copy(update={"engine": gone}))
    assert report.refused == [
        "it has 0 tracks with an embedding, the current bundle has 240: more than 50% are lost "
        "(`engine.gate_loss`)"
    ]
    assert BundleRegistry(home.bundles).current_id() == first.bundle
    meant = gone.model_copy(update={"gate_loss": 1.0})
    assert train(home, store, SECTIONS.model_copy(update={"engine": meant})).published


def test_unpublished_bundles_are_compared_and_not_refused(
    home: Home, store: Store, styled: Styled
) -> None:
    put(store, styled, sound())
    train(home, store, SECTIONS)
    put(store, styled, sound(shuffled=True))
    report = train(home, store, SECTIONS, publish=False)
    assert report.refused == []
    assert report.gate is not None
    assert report.gate["slices"]["cold"]["verdict"] == "worse"


def test_factors_that_are_kept_are_no_loss(home: Home, store: Store, styled: Styled) -> None:
    put(store, styled, sound())
    train(home, store, SECTIONS)
    poor = SECTIONS.cf.model_copy(update={"factors": 1})
    # The settings say one factor, but those of the current bundle are kept, eight of them.
    report = train(home, store, SECTIONS.model_copy(update={"cf": poor}), part="ranker")
    assert report.published
    assert report.gate is not None
    assert report.gate["skipped"] == "Both are made alike, if of other plays."
    again = train(home, store, SECTIONS.model_copy(update={"cf": poor}), part="cf")
    assert not again.published
    assert any("slice warm" in clause for clause in again.refused)
    behaviour = BundleRegistry(home.bundles).open_current().contents.behaviour
    assert behaviour is not None
    assert np.shape(behaviour.item_factors) == (240, 8)
