"""Duplicates in bundles, recommendations and similar tracks."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from data.errors import BundleError
from data.history import History
from engine.bundle import Bundle, BundleContents, write_bundle
from engine.recommender import Recommender
from engine.request import STRATEGIES, Request
from engine.similarity import SimilarTracks
from ranker.config import RankerConfig
from tests.engine.conftest import TRACKS, World, make_embeddings
from tests.engine.prints import draw, known_duplicates

# Tracks 2, 4 and 8 are one recording, and 1 and 11.
GROUPS = [0, 1, 4, 3, 4, 5, 6, 7, 4, 9, 10, 1]
RECORDINGS = len(set(GROUPS))


def with_duplicates(contents: BundleContents) -> BundleContents:
    return replace(contents, duplicates=known_duplicates(GROUPS))


@pytest.fixture(scope="module")
def recommender(world: World, tmp_path_factory: pytest.TempPathFactory) -> Recommender:
    root = tmp_path_factory.mktemp("bundles")
    config = world.sections.model_dump(mode="json", exclude={"data"})
    bundle_id = write_bundle(root, with_duplicates(world.contents), config=config)
    return Recommender(Bundle.open(root / bundle_id), RankerConfig())


def answered(recommender: Recommender, request: Request) -> list[int]:
    return [item.track for item in recommender.recommend(request).items]


def history(*tracks: int, hidden: tuple[int, ...] = ()) -> History:
    played = np.array(tracks, np.int32)
    return History(played, np.ones(played.size, np.float32), hidden=np.array(hidden, np.int32))


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("more", [{}, {"artist_cap": 1}, {"diversity": 0.9}])
def test_an_answer_has_each_recording_once_and_no_fewer(
    recommender: Recommender, strategy: str, more: dict[str, float]
) -> None:
    for n in (1, 5, TRACKS):
        found = answered(
            recommender,
            Request(history(0), n=n, strategy=strategy, **more),  # type: ignore[arg-type]
        )
        groups = [GROUPS[track] for track in found]
        assert len(set(groups)) == len(groups) == min(n, RECORDINGS - 1)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_what_excludes_a_track_excludes_its_recording(
    recommender: Recommender, strategy: str
) -> None:
    def groups(request: Request) -> set[int]:
        return {GROUPS[track] for track in answered(recommender, request)}

    every = set(GROUPS)
    for track in (2, 8):
        seen = Request(history(track), n=TRACKS, strategy=strategy)
        assert groups(seen) == every - {4}
        hidden = Request(history(0, hidden=(track,)), n=TRACKS, strategy=strategy)
        assert groups(hidden) == every - {0, 4}
        excluded = Request(
            history(0), n=TRACKS, strategy=strategy, exclude=np.array([track], np.int32)
        )
        assert groups(excluded) == every - {0, 4}
    again = Request(history(2), n=TRACKS, strategy=strategy, exclude_seen=False)
    assert groups(again) == every


def test_the_most_popular_eligible_track_of_a_recording_is_answered(
    recommender: Recommender,
) -> None:
    listeners = recommender.bundle.contents.listeners
    best = max((2, 4, 8), key=lambda t: (listeners[t], t == 4))
    found = answered(recommender, Request(History(), n=TRACKS, strategy="popular"))
    assert best in found
    others = np.array([t for t in range(TRACKS) if t != best], np.int32)
    found = answered(recommender, Request(History(), n=TRACKS, strategy="popular", among=others))
    assert len({2, 4, 8} & set(found)) == 1


@pytest.mark.parametrize("by", ["audio", "listeners", "hybrid"])
def test_similar_tracks_are_other_recordings_once_each(world: World, by: str) -> None:
    similar = SimilarTracks(with_duplicates(world.contents), RankerConfig(), neighbours=4)
    groups = [GROUPS[item.track] for item in similar.to_track(2, TRACKS, by=by)]
    assert 4 not in groups
    assert len(set(groups)) == len(groups) > 5
    groups = [GROUPS[item.track] for item in similar.to_vector(make_embeddings()[2], TRACKS)]
    assert groups.count(4) == 1  # what was looked up is in the answer, once
    assert len(set(groups)) == len(groups)


def test_a_bundle_keeps_groups_prints_and_their_index(world: World, tmp_path: Path) -> None:
    contents = with_duplicates(world.contents)
    bundle = Bundle.open(tmp_path / write_bundle(tmp_path, contents))
    known, written = bundle.contents.duplicates, contents.duplicates
    assert known is not None
    assert written is not None
    assert known.representatives.tolist() == GROUPS
    assert known.groups() == [[1, 11], [4, 2, 8]]
    assert known.of_recording(written.recordings[8][60:]) in {2, 4, 8}
    assert known.of_recording(draw(1)) is None
    assert isinstance(known.keys.base, np.memmap)
    alone = Bundle.open(tmp_path / write_bundle(tmp_path, world.contents))
    assert alone.contents.duplicates is None


def test_groups_of_other_tracks_are_refused(world: World) -> None:
    with pytest.raises(BundleError, match="12 tracks"):
        replace(world.contents, duplicates=known_duplicates(GROUPS[:-1]))
