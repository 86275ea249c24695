"""Who would want a track, and who is not asked."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cf_model.prior import ContentPrior
from data.errors import DataError
from data.store import Event, Store
from engine.audience import Audience, Fans, left_out
from engine.bundle import Behaviour
from engine.similarity import SimilarTracks
from ranker.config import RankerConfig
from tests.engine.conftest import TRACKS, World, make_embeddings
from tests.engine.prints import known_duplicates

ITEMS = np.array([[2, 0], [0, 2], [0, 0]], np.float32)
PLAYED = np.array([True, True, False])
USERS = np.array([[1, 0], [0, 1], [3, 3], [0, 0]], np.float32)


def f32(*values: float) -> np.ndarray:
    return np.array(values, np.float32)


def test_users_of_a_played_track_by_hand() -> None:
    found = Fans(Behaviour(USERS, ITEMS), PLAYED).of_played(f32(1, 0.5), 4)
    # The last user has no factor, and is not asked.
    assert [(e.user, e.score) for e in found] == [(2, 4.5), (0, 1.0), (1, 0.5)]


def test_users_of_a_predicted_factor_by_hand() -> None:
    # The mean factor of the played tracks is (1, 1); half of it is taken off.
    fans = Fans(Behaviour(USERS, ITEMS), PLAYED)
    found = fans.of_predicted(f32(0.75, 0.125), 4)  # (0.25, -0.375) is left
    assert [(e.user, e.score) for e in found] == [(0, 0.25), (1, -0.375), (2, -0.375)]
    assert fans.of_played(f32(0.75, 0.125), 1)[0].user == 2  # who plays much leads without that


def test_users_are_left_out_before_the_best_are_taken() -> None:
    exclude = np.array([False, False, True, False])
    fans = Fans(Behaviour(USERS, ITEMS), PLAYED)
    assert [e.user for e in fans.of_played(f32(1, 0.5), 1, exclude=exclude)] == [0]
    assert [e.user for e in fans.of_predicted(f32(1, 0.5), 3, exclude=exclude)] == [0, 1]


def test_without_a_played_track_nothing_is_taken_off() -> None:
    fans = Fans(Behaviour(USERS, ITEMS), np.zeros(3, np.bool_))
    assert fans.of_predicted(f32(1, 0.5), 4) == fans.of_played(f32(1, 0.5), 4)


@pytest.fixture
def similar(world: World) -> SimilarTracks:
    return SimilarTracks(world.contents, RankerConfig(), neighbours=4)


def test_listeners_share_the_taste(similar: SimilarTracks) -> None:
    quiet = similar.listeners(5, 6)
    assert quiet.by == "plays"
    assert {e.user for e in quiet.listeners} == set(range(6, 12))
    scores = [e.score for e in quiet.listeners]
    assert scores == sorted(scores, reverse=True)


def test_listeners_of_a_track_nobody_played(similar: SimilarTracks) -> None:
    quiet = similar.listeners(11, 6)
    assert quiet.by == "sound"
    assert {e.user for e in quiet.listeners} == set(range(6, 12))
    exclude = np.arange(12) < 9
    assert {e.user for e in similar.listeners(11, 6, exclude=exclude).listeners} == {9, 10, 11}


def test_nothing_is_known_of_a_track_without_plays_and_sound(world: World) -> None:
    listeners = world.contents.listeners.copy()
    listeners[10] = 0  # it has no embedding
    similar = SimilarTracks(
        replace(world.contents, listeners=listeners), RankerConfig(), neighbours=4
    )
    assert similar.listeners(10, 3) == Audience(None)


def test_a_predicted_factor_in_the_bundle_is_no_play(world: World) -> None:
    # A bundle may hold the factors of tracks that nobody has played, as their sound predicts them.
    behaviour = world.contents.behaviour
    assert behaviour is not None
    items = behaviour.item_factors.copy()
    items[11] = items[5]
    contents = replace(world.contents, behaviour=replace(behaviour, item_factors=items))
    similar = SimilarTracks(contents, RankerConfig(), neighbours=4)
    assert similar.listeners(11, 3).by == "sound"


def a_prior(offset: np.ndarray, *, width: int = 4) -> ContentPrior:
    """Make a prior that foretells the same factor of every sound."""
    f = len(offset)
    zeros, one = np.zeros(width, np.float32), np.ones(1, np.float32)
    return ContentPrior(
        centre=zeros,
        whitener=np.eye(width, dtype=np.float32),
        landmarks=zeros[np.newaxis],
        reach=one,
        weights=np.zeros((1, f), np.float32),
        offset=offset,
        metric=np.eye(f, dtype=np.float32),
        noise=np.ones(2, np.float32),
        unknown=one,
    )


def test_the_prior_foretells_where_there_is_one(world: World) -> None:
    behaviour = world.contents.behaviour
    assert behaviour is not None
    loud = behaviour.item_factors[2]
    similar = SimilarTracks(
        world.contents, RankerConfig(), neighbours=4, prior=a_prior(loud.copy())
    )
    predicted = similar.predicted_factor(make_embeddings()[11])
    assert predicted is not None
    np.testing.assert_array_equal(predicted, loud)
    # It says that the quiet track is for those who like it loud.
    assert {e.user for e in similar.listeners(11, 6).listeners} == set(range(6))
    assert similar.listeners(5, 6).by == "plays"


def test_a_prior_of_other_embeddings_is_refused(world: World) -> None:
    prior = a_prior(np.ones(4, np.float32), width=7)
    similar = SimilarTracks(world.contents, RankerConfig(), neighbours=4, prior=prior)
    with pytest.raises(DataError, match="rows of 7 numbers"):
        similar.listeners(11, 3)


@pytest.fixture
def store(tmp_path: Path, world: World) -> Store:
    store = Store.open(f"sqlite:///{tmp_path / 'segue.db'}")
    store.put_tracks([pd.DataFrame({"track_id": [f"t{i:02}" for i in range(TRACKS)]})])
    return store


def did(store: Store, *what: str) -> None:
    """Let users do things, such as "u03 likes t05": each later than the one before."""
    rows = [line.split() for line in what]
    store.add_events(
        [
            Event(None, user, track, kind, listened_at=n)
            for n, (user, kind, track) in enumerate(rows)
        ]
    )


def test_who_played_or_refused_is_not_asked(store: Store, world: World) -> None:
    did(
        store,
        "u00 listen t03", "u01 like t03", "u02 dislike t03", "u03 hide t03", "u04 skip t03",
        "u05 listen t04", "nobody-we-know listen t03",
        "u06 hide t03", "u06 like t03",
        "u07 like t03", "u07 hide t03",
    )  # fmt: skip
    asked = left_out(store, world.contents, 3)
    assert np.flatnonzero(asked).tolist() == [0, 1, 2, 3, 6, 7]
    # A like takes back the no before it, but not the one behind it.
    refused = left_out(store, world.contents, 3, played=False)
    assert np.flatnonzero(refused).tolist() == [2, 3, 7]


def test_a_play_of_the_same_recording_counts(store: Store, world: World) -> None:
    did(store, "u00 listen t05", "u01 hide t02", "u02 listen t03")
    stands = list(range(TRACKS))
    stands[5] = 2
    contents = replace(world.contents, duplicates=known_duplicates(stands))
    for track in (2, 5):
        assert np.flatnonzero(left_out(store, contents, track)).tolist() == [0, 1]
        assert np.flatnonzero(left_out(store, contents, track, played=False)).tolist() == [1]
    assert np.flatnonzero(left_out(store, contents, 3)).tolist() == [2]
    assert not left_out(store, contents, 7).any()
