"""Every column, worked out by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from data.errors import DataError
from data.history import History
from ranker import Candidates, merge
from ranker.facts import TrackFacts, genre_matrix
from ranker.features import FEATURES, NAMES, Evidence, feature_table
from ranker.sources import SIGNALS
from tests.ranker.strategies import scores_of, tracks_of

NAN = np.nan
LOG = np.log

# Tracks 0..7. The user played 0 three times and 1 once: log 4 and log 2 are two and one of three.
FACTS = TrackFacts(
    artists=tracks_of([0, 1, 1, 1, -1, 2, -1, 0]),
    genres=genre_matrix({"rock": tracks_of([0, 2, 5]), "jazz": tracks_of([1, 2])}, 8),
    listeners=scores_of([9, 1, 3, 0, 0, 1, 0, 7]),
    plays=scores_of([10, 2, 12, 0, 0, 1, 0, 7]),
    released=scores_of([0, 0, 100, NAN, NAN, NAN, 0, 90]),
    today=110.0,
    copies=scores_of([1, 1, 1, 1, 1, 2, 2, 1]),
    recent=scores_of([0, 0, 1.5, 0, 0, 0, 0, 3.5]),
    uncertainty=scores_of([0, 0, 0.25, 0, 0.5, 0, 0, 0]),
    strength=scores_of([0, 0, 1, 0, 2, 3, 0, 4]),
)
HISTORY = History(tracks_of([0, 1]), scores_of([3, 1]), np.array([-1, -1]))
POOL = merge(  # its tracks are 2, 4, 5, 7
    [
        Candidates("cf", tracks_of([5, 2]), scores_of([4, 1])),
        Candidates("audio", tracks_of([4]), scores_of([0.5])),
        Candidates("cold", tracks_of([2, 4]), scores_of([2, 1])),
        Candidates("popular", tracks_of([7]), scores_of([7])),
    ]
)
EVIDENCE = Evidence(
    cf=scores_of([1, NAN, 4, -2]),
    audio=scores_of([0.1, 0.5, NAN, 0.2]),
    seeds=scores_of([0.3, 0.4, NAN, 0.6]),
    nearest_centre=scores_of([0.7, 0.8, NAN, 0.9]),
    nearest_play=scores_of([0.5, 0.6, NAN, 0.7]),
    nearest_plays=scores_of([0.2, 0.3, NAN, 0.4]),
)
USUAL = (LOG(10) + LOG(2)) / 2

EXPECTED = {
    "cf_score": [1, NAN, 4, -2],
    "cf_share": [1 / 4, NAN, 1, -1 / 2],
    "cf_rank": [1 / 2, 0, 1, 0],
    "cf_place": [-LOG(2), -LOG(3), 0, -LOG(3)],
    "neighbours_score": [NAN] * 4,
    "neighbours_share": [NAN] * 4,
    "neighbours_rank": [NAN] * 4,
    "neighbours_place": [NAN] * 4,
    "artist_share": [1 / 3, 0, 0, 2 / 3],
    "artist_tracks": [LOG(2), 0, 0, LOG(2)],
    "genre_share": [1 / 2, NAN, 2 / 3, NAN],  # track 2: the mean of rock, 2/3, and jazz, 1/3
    "strength": [1, 2, 3, 4],
    "audio_score": [0.1, 0.5, NAN, 0.2],
    "audio_rank": [0, 1, 0, 0],
    "nearest_centre": [0.7, 0.8, NAN, 0.9],
    "nearest_play": [0.5, 0.6, NAN, 0.7],
    "nearest_plays": [0.2, 0.3, NAN, 0.4],
    "seeds_score": [0.3, 0.4, NAN, 0.6],
    "cold_rank": [1, 1 / 2, 0, 0],
    "uncertainty": [0.25, 0.5, 0, 0],
    "listeners": [LOG(4), 0, LOG(2), LOG(8)],
    "loyalty": [LOG(4), 0, 0, 0],
    "popularity_gap": [LOG(4) - USUAL, -USUAL, LOG(2) - USUAL, LOG(8) - USUAL],
    "trend": [1 / 2, 0, 0, 1 / 2],
    "age": [10, NAN, NAN, 20],
    "copies": [1, 1, 2, 1],
    "user_tracks": [LOG(3)] * 4,
    "user_plays": [LOG(5)] * 4,
    "user_popularity": [USUAL] * 4,
}


def columns(pool=POOL, history=HISTORY, facts=FACTS, evidence=EVIDENCE):
    table = feature_table(pool, history, facts=facts, evidence=evidence)
    assert table.dtype == np.float32
    assert table.shape == (len(pool.tracks), len(FEATURES))
    return dict(zip(NAMES, table.T, strict=True))


def test_every_column_has_a_value_by_hand():
    assert list(EXPECTED) == list(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_column_by_hand(name):
    np.testing.assert_allclose(columns()[name], EXPECTED[name], rtol=1e-6, atol=1e-7)


def test_neighbours_are_told_as_factors_are():
    pool = merge([Candidates("neighbours", tracks_of([7, 2, 5]), scores_of([3, 2, 1]))])
    found = columns(pool, evidence=Evidence(neighbours=scores_of([2, 1, 3])))
    np.testing.assert_allclose(found["neighbours_score"], [2, 1, 3])
    np.testing.assert_allclose(found["neighbours_share"], [2 / 3, 1 / 3, 1], rtol=1e-6)
    np.testing.assert_allclose(found["neighbours_rank"], [1 / 2, 1 / 3, 1], rtol=1e-6)
    np.testing.assert_allclose(found["neighbours_place"], [-LOG(2), -LOG(3), 0], rtol=1e-6)
    assert np.isnan(found["cf_rank"]).all()


@pytest.mark.parametrize("scores", [[0, -1, -2, NAN], [NAN] * 4])
def test_there_is_no_share_of_a_best_that_is_not_above_zero(scores):
    assert np.isnan(columns(evidence=Evidence(cf=scores_of(scores)))["cf_share"]).all()


def test_an_empty_pool_has_no_rows():
    assert not columns(merge([]), evidence=Evidence(cf=scores_of([])))["cf_score"].size


def test_one_candidate():
    pool = merge([Candidates("cf", tracks_of([5]), scores_of([4]))])
    found = columns(pool, evidence=Evidence(cf=scores_of([4])))
    one = [found[name].item() for name in ("cf_share", "cf_rank", "cf_place")]
    assert one == [1, 1, 0]


def test_without_plays_nothing_is_known_of_the_user():
    found = columns(history=History())
    assert not found["artist_share"].any()
    assert not found["artist_tracks"].any()
    np.testing.assert_array_equal(found["genre_share"], [0, NAN, 0, NAN])
    assert not found["user_tracks"].any()
    assert not found["user_plays"].any()
    assert np.isnan(found["user_popularity"]).all()
    assert np.isnan(found["popularity_gap"]).all()
    np.testing.assert_allclose(found["listeners"], EXPECTED["listeners"], rtol=1e-6)


def test_tracks_of_unknown_artist_have_no_artist_in_common():
    alone = History(tracks_of([6, 0]), scores_of([1, 1]), np.array([-1, -1]))
    assert columns(history=alone)["artist_share"].tolist() == [0, 0, 0, 0.5]


def test_facts_that_are_not_known_are_nan():
    bare = replace(FACTS, recent=None, uncertainty=None, strength=None, genres=genre_matrix({}, 8))
    found = columns(facts=bare)
    for name in ("trend", "uncertainty", "strength", "genre_share"):
        assert np.isnan(found[name]).all(), name


def test_facts_must_be_of_the_same_tracks():
    with pytest.raises(DataError, match=r"`recent` must have a row for each of 8 tracks.*: 7"):
        replace(FACTS, recent=scores_of(range(7)))


def test_genres_are_a_matrix_of_tracks():
    found = genre_matrix({"rock": tracks_of([0, 2]), "jazz": tracks_of([2])}, 4)
    assert found.dtype == np.float32
    assert found.toarray().tolist() == [[1, 0], [0, 0], [1, 1], [0, 0]]


def test_features_have_names_of_their_own_and_a_signal():
    assert len(set(NAMES)) == len(FEATURES)
    assert {feature.signal for feature in FEATURES} == {*SIGNALS, "user"}


def test_what_is_of_the_track_is_the_same_whoever_asks():
    one = columns()
    other = columns(history=History(), evidence=Evidence())
    of_track = [feature.name for feature in FEATURES if feature.of_track]
    assert of_track
    for name in of_track:
        np.testing.assert_array_equal(one[name], other[name])


def test_what_is_of_the_user_is_the_same_for_all_candidates():
    found = columns()
    of_user = [feature.name for feature in FEATURES if feature.signal == "user"]
    assert all(len(set(found[name].tolist())) == 1 for name in of_user)
