from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from data import BundleError, Vocabulary
from engine.bundle import Bundle, BundleRegistry, write_bundle
from tests.engine.conftest import World, make_segments, with_segments


def test_what_is_written_is_what_is_opened(world: World, tmp_path: Path) -> None:
    opened = world.bundle(tmp_path, metrics={"users": 12}).contents
    assert opened.catalog.tracks == world.catalog.tracks
    assert opened.catalog.track(3) == world.catalog.track(3)
    assert opened.users == world.plays.users
    assert opened.acoustic is not None
    assert opened.behaviour is not None
    assert world.contents.acoustic is not None
    assert world.contents.behaviour is not None
    np.testing.assert_array_equal(opened.acoustic.embeddings, world.contents.acoustic.embeddings)
    np.testing.assert_array_equal(opened.acoustic.known, world.contents.acoustic.known)
    np.testing.assert_array_equal(
        opened.behaviour.item_factors, world.contents.behaviour.item_factors
    )
    np.testing.assert_array_equal(opened.listeners, world.contents.listeners)


def test_arrays_are_mapped_read_only(world: World, tmp_path: Path) -> None:
    behaviour = world.bundle(tmp_path).contents.behaviour
    assert behaviour is not None
    assert isinstance(behaviour.item_factors.base, np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        behaviour.item_factors[0, 0] = 1


def test_manifest_describes_the_bundle(world: World, tmp_path: Path) -> None:
    manifest = world.bundle(tmp_path, parent="before", metrics={"users": 12}).manifest
    assert manifest.schema_version == 1
    assert manifest.parent == "before"
    assert manifest.shapes["embeddings"] == [12, 4]
    assert manifest.acoustic_space == "imported"
    assert manifest.config["cf"]["factors"] == 4
    assert manifest.metrics == {"users": 12}
    assert manifest.versions["python"].startswith("3.")
    assert {"embeddings.npy", "tracks.arrow", "users.digests.npy"} <= set(manifest.files)


def test_the_encoder_travels_with_the_bundle(world: World, tmp_path: Path) -> None:
    encoder = tmp_path / "encoder"
    encoder.mkdir()
    (encoder / "encoder.json").write_text("{}")
    assert world.contents.acoustic is not None
    acoustic = replace(world.contents.acoustic, encoder=encoder)
    bundle_id = write_bundle(tmp_path / "b", replace(world.contents, acoustic=acoustic))
    opened = Bundle.open(tmp_path / "b" / bundle_id)
    assert opened.contents.acoustic is not None
    assert opened.contents.acoustic.encoder == opened.path / "encoder"
    assert "encoder/encoder.json" in opened.manifest.files


def test_segments_are_kept_and_mapped(world: World, tmp_path: Path) -> None:
    bundle_id = write_bundle(tmp_path, with_segments(world.contents))
    opened = Bundle.open(tmp_path / bundle_id)
    assert opened.manifest.shapes["segments"] == [20, 4]
    assert opened.contents.acoustic is not None
    found, expected = opened.contents.acoustic.segments, make_segments()
    assert found is not None
    assert found.seconds == 30.0
    assert found.of(4).tolist() == [[1, 0, 0, 0], [0, 1, 0, 0]]
    assert found.of(11).shape == (0, 4)
    np.testing.assert_array_equal(found.vectors, expected.vectors)
    assert found.vectors.dtype == np.float16
    assert isinstance(found.vectors.base, np.memmap)


def test_a_bundle_of_before_there_were_segments_is_opened(world: World, tmp_path: Path) -> None:
    bundle = world.bundle(tmp_path)
    file = bundle.path / "manifest.json"
    manifest = json.loads(file.read_text())
    del manifest["chunk_seconds"]
    file.write_text(json.dumps(manifest))
    acoustic = Bundle.open(bundle.path).contents.acoustic
    assert acoustic is not None
    assert acoustic.segments is None


@pytest.mark.parametrize(
    "change",
    [
        {"vectors": np.zeros((19, 4), np.float16)},
        {"vectors": np.zeros((20, 3), np.float16)},
        {"offsets": np.arange(3)},
        {"offsets": np.array([0, 4, 2, *[20] * 10])},
        {"offsets": np.array([1, *[20] * 12])},
        {"seconds": 0.0},
    ],
)
def test_segments_must_be_those_of_the_tracks(world: World, change: dict[str, Any]) -> None:
    acoustic = world.contents.acoustic
    assert acoustic is not None
    with pytest.raises(BundleError, match="are not those of 12 tracks"):
        replace(
            world.contents, acoustic=replace(acoustic, segments=replace(make_segments(), **change))
        )


def test_a_bundle_without_models_is_a_bundle(world: World, tmp_path: Path) -> None:
    bare = replace(world.contents, acoustic=None, behaviour=None, users=Vocabulary([]))
    opened = Bundle.open(tmp_path / write_bundle(tmp_path, bare)).contents
    assert opened.acoustic is None
    assert opened.behaviour is None
    assert len(opened.users) == 0


@pytest.mark.parametrize("name", ["embeddings.npy", "tracks.arrow", "users.order.npy"])
def test_a_flipped_byte_is_refused(world: World, tmp_path: Path, name: str) -> None:
    bundle = world.bundle(tmp_path)
    file = bundle.path / name
    content = bytearray(file.read_bytes())
    content[-3] ^= 1
    file.write_bytes(content)
    with pytest.raises(BundleError, match=f"corrupt: {name} does not match its SHA-256"):
        Bundle.open(bundle.path)


def test_a_missing_file_is_refused(world: World, tmp_path: Path) -> None:
    bundle = world.bundle(tmp_path)
    (bundle.path / "plays.npy").unlink()
    with pytest.raises(BundleError, match=r"plays\.npy is missing"):
        Bundle.open(bundle.path, verify=False)


def test_a_truncated_file_is_refused_without_hashing(world: World, tmp_path: Path) -> None:
    bundle = world.bundle(tmp_path)
    file = bundle.path / "embeddings.npy"
    file.write_bytes(file.read_bytes()[:-8])
    with pytest.raises(BundleError, match="bytes, its manifest says"):
        Bundle.open(bundle.path, verify=False)


def test_another_schema_is_refused(world: World, tmp_path: Path) -> None:
    bundle = world.bundle(tmp_path)
    file = bundle.path / "manifest.json"
    manifest = json.loads(file.read_text()) | {"schema_version": 99}
    file.write_text(json.dumps(manifest))
    with pytest.raises(BundleError, match="schema version 99"):
        Bundle.open(bundle.path)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"bundle_id": 3}'])
def test_a_broken_manifest_is_refused(world: World, tmp_path: Path, content: str) -> None:
    bundle = world.bundle(tmp_path)
    (bundle.path / "manifest.json").write_text(content)
    with pytest.raises(BundleError, match="no usable manifest"):
        Bundle.open(bundle.path)


def test_vocabularies_must_match(world: World) -> None:
    with pytest.raises(BundleError, match=r"`user_factors` has shape .* ask for"):
        replace(world.contents, users=Vocabulary(["only one"]))


def test_numbers_must_be_finite(world: World, tmp_path: Path) -> None:
    plays = world.contents.plays.copy()
    plays[2] = np.nan
    with pytest.raises(BundleError, match="`plays` holds NaN"):
        write_bundle(tmp_path, replace(world.contents, plays=plays))
    assert list(tmp_path.iterdir()) == []


def test_registry_publishes_and_rolls_back(world: World, tmp_path: Path) -> None:
    registry = BundleRegistry(tmp_path / "bundles")
    assert registry.ids() == []
    assert registry.current_id() is None
    with pytest.raises(BundleError, match="no bundle yet"):
        registry.open_current()
    first, second = (world.bundle(registry.root).id for _ in range(2))
    registry.publish(first)
    with pytest.raises(BundleError, match="no earlier bundle"):
        registry.rollback()
    registry.publish(second)
    assert registry.open_current().id == second
    assert registry.rollback() == first
    assert registry.current_id() == first
    registry.publish(first)
    assert registry.published() == [first]


def test_a_corrupt_bundle_is_not_published(world: World, tmp_path: Path) -> None:
    registry = BundleRegistry(tmp_path)
    good, bad = (world.bundle(tmp_path) for _ in range(2))
    registry.publish(good.id)
    (bad.path / "plays.npy").unlink()
    with pytest.raises(BundleError, match="corrupt"):
        registry.publish(bad.id)
    assert registry.current_id() == good.id
    assert registry.verify(bad.id) == ["plays.npy is missing"]
    assert registry.verify(good.id) == []


def test_ids_may_be_shortened_if_one_fits(world: World, tmp_path: Path) -> None:
    registry = BundleRegistry(tmp_path)
    first = world.bundle(tmp_path).id
    assert registry.resolve(first[:20]) == first
    world.bundle(tmp_path)
    with pytest.raises(BundleError, match="Several bundles"):
        registry.resolve(first[:4])
    with pytest.raises(BundleError, match="no bundle 'nothing'"):
        registry.resolve("nothing")


def test_an_unreadable_pointer_is_an_error_that_publishing_mends(
    world: World, tmp_path: Path
) -> None:
    registry = BundleRegistry(tmp_path)
    bundle = world.bundle(tmp_path)
    registry.pointer.write_text("{")
    with pytest.raises(BundleError, match="pointer"):
        registry.current_id()
    registry.publish(bundle.id)
    assert registry.current_id() == bundle.id


def test_pruning_keeps_the_newest_and_the_current(world: World, tmp_path: Path) -> None:
    registry = BundleRegistry(tmp_path)
    ids = [world.bundle(tmp_path).id for _ in range(5)]
    registry.publish(ids[0])
    assert registry.prune(2) == ids[1:3]
    assert registry.ids() == [ids[0], *ids[3:]]
    assert registry.open_current().id == ids[0]
