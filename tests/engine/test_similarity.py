from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from data import BundleError, ParameterError
from engine.audience import Audience
from engine.bundle import Bundle, write_bundle
from engine.segments import Passage
from engine.similarity import SimilarTracks
from ranker.config import RankerConfig
from tests.engine.conftest import TRACKS, World, make_embeddings, with_segments


@pytest.fixture
def similar(bundle: Bundle) -> SimilarTracks:
    return SimilarTracks(bundle.contents, RankerConfig(), neighbours=4)


@pytest.mark.parametrize("by", ["audio", "listeners", "hybrid"])
def test_like_finds_like(similar: SimilarTracks, by: str) -> None:
    found = similar.to_track(2, 3, by=by)
    assert {i.track % 2 for i in found} == {0}
    assert 2 not in {i.track for i in found}
    assert len(found) == 3


def test_by_audio_is_the_order_of_cosines(similar: SimilarTracks) -> None:
    vectors = make_embeddings()
    cosines = vectors @ vectors[3]
    order = [t for t in np.argsort(-cosines, kind="stable") if t not in (3, 10)]
    assert [i.track for i in similar.to_track(3, 5, by="audio")] == order[:5]


@pytest.fixture
def heard(world: World) -> SimilarTracks:
    """The same with segments; see `make_segments`."""
    return SimilarTracks(with_segments(world.contents), RankerConfig(), neighbours=4)


@pytest.mark.parametrize("by", ["audio", "hybrid"])
def test_items_say_where_they_sound_alike(heard: SimilarTracks, by: str) -> None:
    found = {i.track: i.segments for i in heard.to_track(2, TRACKS, by=by)}
    # Chunks of t02 are 0 and 2, of t08 the same, of t04 0 and 1, of t05 1 and 2.
    assert found[8] == (Passage(0, 30, 0, 30, 1.0), Passage(30, 60, 30, 60, 1.0))
    assert found[4] == (Passage(0, 30, 0, 30, 1.0),)
    assert found[5] == (Passage(30, 60, 30, 60, 1.0),)
    assert found[7] == ()  # 1 and 1: nothing in common
    assert found[11] == ()  # no chunks are known of it


def test_nothing_says_where_without_sound(heard: SimilarTracks, similar: SimilarTracks) -> None:
    assert not any(i.segments for i in heard.to_track(2, TRACKS, by="listeners"))
    assert not any(i.segments for i in heard.to_track(11, TRACKS, by="audio"))
    assert not any(i.segments for i in similar.to_track(2, TRACKS, by="audio"))


def test_segments_change_nothing_else(heard: SimilarTracks, similar: SimilarTracks) -> None:
    without = [replace(i, segments=()) for i in heard.to_track(2, TRACKS, by="hybrid")]
    assert without == list(similar.to_track(2, TRACKS, by="hybrid"))


def test_a_file_says_where_by_its_own_chunks(heard: SimilarTracks) -> None:
    vector = make_embeddings()[2]
    chunks = np.eye(4, dtype=np.float16)[[3, 3, 1]]
    found = {i.track: i.segments for i in heard.to_vector(vector, TRACKS, chunks=chunks)}
    assert found[3] == (Passage(60, 90, 0, 30, 1.0),)
    assert found[0] == ()
    assert not any(i.segments for i in heard.to_vector(vector, TRACKS))
    assert not any(i.segments for i in heard.to_vector(vector, TRACKS, chunks=chunks[:0]))


def test_hybrid_names_who_proposed_a_track(similar: SimilarTracks) -> None:
    found = {i.track: i.sources for i in similar.to_track(3, TRACKS, by="hybrid")}
    assert found[11] == ("audio",)  # nobody played it
    assert found[10] == ("cf",)  # it has no embedding
    assert found[5] == ("audio", "cf")


def test_hybrid_takes_the_signal_that_there_is(similar: SimilarTracks) -> None:
    assert {i.sources for i in similar.to_track(11, 3, by="hybrid")} == {("audio",)}
    assert {i.sources for i in similar.to_track(10, 3, by="hybrid")} == {("cf",)}


def test_nothing_known_is_an_error(similar: SimilarTracks) -> None:
    with pytest.raises(ParameterError, match="no plays"):
        similar.to_track(11, 3, by="listeners")
    with pytest.raises(ParameterError, match="no embedding"):
        similar.to_track(10, 3, by="audio")


def test_a_vector_finds_its_own_track_first(similar: SimilarTracks) -> None:
    found = similar.to_vector(5 * make_embeddings()[7], 3)
    assert found[0].track == 7
    assert found[0].score == pytest.approx(1.0, abs=1e-5)


def test_a_vector_of_another_width_is_an_error(similar: SimilarTracks) -> None:
    with pytest.raises(ParameterError, match=r"must have 4 numbers\. Received: 3"):
        similar.to_vector(np.ones(3, np.float32), 3)


def test_predicted_factor_by_hand(similar: SimilarTracks, world: World) -> None:
    vectors = make_embeddings()
    behaviour = world.contents.behaviour
    assert behaviour is not None
    played = np.flatnonzero(behaviour.item_factors.any(axis=1))
    played = played[played != 10]  # without an embedding, it is nobody's neighbour
    cosines = vectors[played] @ vectors[11]
    near = np.argsort(-cosines)[:4]
    expected = np.average(behaviour.item_factors[played[near]], axis=0, weights=cosines[near])
    predicted = similar.predicted_factor(vectors[11])
    assert predicted is not None
    np.testing.assert_allclose(predicted, expected, rtol=1e-5)


def test_without_models_there_are_no_listeners_and_no_sound(world: World, tmp_path: Path) -> None:
    bare = replace(world.contents, acoustic=None, behaviour=None)
    bundle = Bundle.open(tmp_path / write_bundle(tmp_path, bare))
    similar = SimilarTracks(bundle.contents, RankerConfig(), neighbours=4)
    assert similar.listeners(0, 3) == Audience(None)
    assert similar.listeners_of_vector(np.ones(4, np.float32), 3) == ()
    with pytest.raises(BundleError, match="no embeddings"):
        similar.to_vector(np.ones(4, np.float32), 3)
