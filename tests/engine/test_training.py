from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from audio_model.cache import MelCache
from audio_model.keras_encoder import KerasEncoder
from data import DataError, ParameterError, SegueError
from data.config import DataConfig
from data.store import Store
from engine.bundle import BundleRegistry
from engine.config import EngineConfig, Sections
from engine.home import Home
from engine.spaces import IMPORTED, embeddings_in_use, space_in_use
from engine.training import train
from engine.training.report import Listeners
from engine.training.sound import audio_files, embed_catalog
from tests.engine.conftest import CF, World, make_embeddings
from tests.engine.sounds import TINY, make_tracks

SECTIONS = Sections(cf=CF, audio=TINY)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home").create()


@pytest.fixture
def store(home: Home) -> Iterator[Store]:
    with Store.open(DataConfig().url(home.root)) as opened:
        yield opened


def import_plays(store: Store, world: World) -> None:
    plays = world.plays
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


def import_embeddings(store: Store, world: World) -> None:
    known = np.arange(len(world.catalog)) != 10
    ids = world.catalog.tracks.ids(np.flatnonzero(known))
    store.put_embeddings(IMPORTED, ids, make_embeddings()[known], add_unknown_tracks=True)


def test_plays_alone_make_a_bundle(home: Home, store: Store, world: World) -> None:
    import_plays(store, world)
    report = train(home, store, SECTIONS)
    assert report.published
    assert (report.users, report.plays) == (12, len(world.plays))
    assert report.acoustic == "none"
    contents = BundleRegistry(home.bundles).open_current().contents
    assert contents.acoustic is None
    assert contents.behaviour is not None
    matrix = world.plays.matrix()
    played = world.catalog.tracks.indices(contents.catalog.tracks.arrow)
    expected = np.bincount(matrix.indices, minlength=12)[played]
    assert contents.listeners.tolist() == expected.tolist()


def test_imported_embeddings_make_a_bundle(home: Home, store: Store, world: World) -> None:
    import_embeddings(store, world)
    report = train(home, store, SECTIONS)
    assert report.acoustic == "imported"
    acoustic = BundleRegistry(home.bundles).open_current().contents.acoustic
    assert acoustic is not None
    assert acoustic.space == "imported"
    assert acoustic.encoder is None
    np.testing.assert_allclose(np.linalg.norm(acoustic.embeddings, axis=1), 1, rtol=1e-5)


def test_the_settings_decide_about_embeddings(home: Home, store: Store, world: World) -> None:
    import_plays(store, world)
    only = Sections(cf=CF, engine=EngineConfig(embeddings="imported"))
    with pytest.raises(DataError, match="but none were"):
        train(home, store, only)
    import_embeddings(store, world)
    without = Sections(cf=CF, engine=EngineConfig(embeddings="encoder"))
    assert train(home, store, without).acoustic == "none"
    assert space_in_use(store, home, without.engine) is None
    assert space_in_use(store, home, only.engine) == IMPORTED
    with pytest.raises(DataError, match="no encoder to train"):
        train(home, store, SECTIONS, part="audio")


def test_nothing_to_learn_from_is_an_error(home: Home, store: Store) -> None:
    with pytest.raises(DataError, match="nothing to learn from"):
        train(home, store, SECTIONS)
    store.put_tracks([pd.DataFrame({"track_id": ["a", "b"]})])
    with pytest.raises(DataError, match="neither plays nor sound"):
        train(home, store, SECTIONS)
    with pytest.raises(DataError, match="no sound to learn from"):
        train(home, store, SECTIONS, part="audio")
    with pytest.raises(ParameterError, match="`part` must be one of"):
        train(home, store, SECTIONS, part="everything")


def test_one_training_a_home(home: Home, store: Store, world: World) -> None:
    import_plays(store, world)
    with home.lock("train"), pytest.raises(SegueError, match="is running"):
        train(home, store, SECTIONS)


def test_without_publishing_the_old_bundle_stays(home: Home, store: Store, world: World) -> None:
    import_plays(store, world)
    first = train(home, store, SECTIONS)
    second = train(home, store, SECTIONS, publish=False)
    assert not second.published
    registry = BundleRegistry(home.bundles)
    assert registry.current_id() == first.bundle
    assert registry.open_current().manifest.parent is None
    assert [m.parent for m in registry.manifests()] == [None, first.bundle]


def test_old_bundles_are_pruned(home: Home, store: Store, world: World) -> None:
    import_plays(store, world)
    few = Sections(cf=CF, engine=EngineConfig(keep_bundles=2))
    ids = [train(home, store, few).bundle for _ in range(4)]
    assert BundleRegistry(home.bundles).ids() == ids[-2:]


def test_the_same_data_give_the_same_factors(home: Home, store: Store, world: World) -> None:
    import_plays(store, world)
    registry = BundleRegistry(home.bundles)
    factors = []
    for _ in range(2):
        train(home, store, SECTIONS)
        behaviour = registry.open_current().contents.behaviour
        assert behaviour is not None
        factors.append(behaviour.item_factors.copy())
    np.testing.assert_array_equal(*factors)


def test_passwords_do_not_reach_the_manifest(home: Home, store: Store, world: World) -> None:
    import_plays(store, world)
    train(home, store, SECTIONS)
    manifest = BundleRegistry(home.bundles).open_current().manifest
    assert set(manifest.config) == {
        "audio",
        "cf",
        "prior",
        "taste",
        "ranker",
        "learning",
        "engine",
    }


def test_sound_becomes_embeddings_and_bad_files_are_skipped(
    home: Home, store: Store, tmp_path: Path
) -> None:
    tracks = make_tracks(tmp_path)
    (tmp_path / "text.mp3").write_text("this is no music")
    tracks.loc[len(tracks)] = ["bad", "Bad", "Artist 0", str(tmp_path / "text.mp3")]
    tracks.loc[len(tracks)] = ["gone", "Gone", "Artist 0", str(tmp_path / "gone.mp3")]
    store.put_tracks([tracks])
    bad: list[str] = []
    said: list[str] = []
    listeners = Listeners(None, lambda track, _path, _why: bad.append(track), said.append)

    report = train(home, store, SECTIONS, listeners=listeners)
    assert sorted(bad) == ["bad", "gone"]
    assert report.acoustic == "encoder"
    acoustic = BundleRegistry(home.bundles).open_current().contents.acoustic
    assert acoustic is not None
    assert acoustic.known.tolist() == [False, False] + [True] * 6
    assert acoustic.encoder is not None
    first = store.fingerprints(acoustic.space)

    again = train(home, store, SECTIONS)  # nothing new: the encoder and the vectors are reused
    assert "encoder" not in again.seconds
    assert store.fingerprints(acoustic.space) == first
    found = embeddings_in_use(store, home, SECTIONS.engine, tracks=store.load_catalog().tracks)
    assert found is not None
    np.testing.assert_allclose(found[0], acoustic.embeddings, atol=1e-6)

    # A file that goes bad takes its vector along.
    (tmp_path / "s0.wav").write_text("this was music")
    train(home, store, SECTIONS)
    assert set(store.fingerprints(acoustic.space)) == {f"s{i}" for i in range(1, 6)}


def test_chunks_reach_the_bundle_and_what_lacks_them_is_heard_once_more(
    home: Home, store: Store, tmp_path: Path
) -> None:
    store.put_tracks([make_tracks(tmp_path, count=3)])
    train(home, store, SECTIONS)
    acoustic = BundleRegistry(home.bundles).open_current().contents.acoustic
    assert acoustic is not None
    assert acoustic.segments is not None
    assert acoustic.encoder is not None
    encoder = KerasEncoder.load(acoustic.encoder)
    heard = encoder.hear_file(tmp_path / "s1.wav")
    assert len(heard.segments) > 1
    np.testing.assert_allclose(acoustic.segments.of(1), heard.segments, atol=1e-3)
    assert acoustic.segments.seconds == pytest.approx(32 * 512 / 22_050)

    def embed() -> tuple[int, int]:
        catalog, cache = store.load_catalog(), MelCache(home.mel_cache, encoder.config)
        report = embed_catalog(audio_files(catalog), encoder, store, cache=cache, workers=1)
        return report.embedded, report.reused

    assert embed() == (0, 3)
    # A row as an older version left it: the vector, and nothing beside it.
    mark = store.fingerprints(acoustic.space)["s1"]
    store.put_embeddings(
        acoustic.space, ["s1"], acoustic.embeddings[[1]].copy(), fingerprints=[mark]
    )
    assert store.half_heard(acoustic.space) == {"s1"}
    assert embed() == (1, 2)
    assert embed() == (0, 3)
    assert store.half_heard(acoustic.space) == set()


def test_what_no_bundle_needs_any_more_is_deleted(home: Home, store: Store, tmp_path: Path) -> None:
    store.put_tracks([make_tracks(tmp_path)])
    few = Sections(cf=CF, audio=TINY, engine=EngineConfig(keep_bundles=2))
    spaces = []
    for seed in range(3):
        audio = TINY.model_copy(update={"seed": seed})
        train(home, store, few.model_copy(update={"audio": audio}), part="audio")
        spaces.append(BundleRegistry(home.bundles).open_current().manifest.acoustic_space)
    assert set(store.spaces()) == set(spaces[1:])
    kept = {path.name for path in home.encoders.iterdir() if path.is_dir()}
    assert kept == set(spaces[1:])


def test_audio_training_keeps_the_factors(
    home: Home, store: Store, world: World, tmp_path: Path
) -> None:
    import_plays(store, world)
    train(home, store, SECTIONS)
    registry = BundleRegistry(home.bundles)
    before = registry.open_current().contents
    store.put_tracks([make_tracks(tmp_path)])
    other = SECTIONS.model_copy(update={"cf": CF.model_copy(update={"alpha": 1.0})})
    train(home, store, other, part="audio")
    # Users must be folded in as the factors were trained, not as the settings say now.
    assert registry.open_current().manifest.config["cf"]["alpha"] == CF.alpha
    after = registry.open_current().contents
    assert before.behaviour is not None
    assert after.behaviour is not None
    assert after.acoustic is not None
    rows = after.catalog.tracks.indices(before.catalog.tracks.arrow)
    np.testing.assert_array_equal(after.behaviour.item_factors[rows], before.behaviour.item_factors)
    new = after.catalog.tracks.index("s0")
    assert not after.behaviour.item_factors[new].any()
