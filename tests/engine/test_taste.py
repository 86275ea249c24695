from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from data.history import History
from data.vectors import unit_rows
from engine.retrieval import AudioRetriever
from engine.taste import (
    SoundIndex,
    SoundSpace,
    TasteCentres,
    TasteConfig,
    TasteSystem,
    centres_of,
    histories_of,
    play_weights,
    taste_centres,
    taste_scores,
)
from ranker.candidates import Query

DAY = 86_400
SEEDS = st.integers(0, 2**32 - 1)

unhurried = settings(deadline=None)  # a busy machine is no fault


def history_of(
    tracks: list[int], *, counts: list[float] | None = None, days: list[int] | None = None
) -> History:
    size = len(tracks)
    at = (
        np.full(size, -1)
        if days is None
        else np.where(np.array(days) < 0, -1, np.array(days) * DAY)
    )
    return History(
        np.array(tracks, np.int32),
        np.ones(size, np.float32) if counts is None else np.array(counts, np.float32),
        at.astype(np.int64),
    )


def catalogue(seed: int, *, size: int = 60, width: int = 6) -> np.ndarray:
    """Return unit vectors with a common part; one in ten tracks has none.

    Not 5 wide: there, the product of a float32 matrix and a vector by OpenBLAS 0.3.31 with AVX-512
    computes with a register that it never set. The result is right, but now and then NumPy is told
    of an invalid value.
    """
    rng = np.random.default_rng(seed)
    vectors = unit_rows((rng.normal(size=(size, width)) + 0.7).astype(np.float32))
    vectors[rng.random(size) < 0.1] = 0
    return vectors


def raw(vectors: np.ndarray) -> SoundSpace:
    return SoundSpace.of(vectors, whiten=False)


# Weights


def test_a_half_life_halves():
    history = history_of([0, 1, 2], counts=[1, 1, 3], days=[100, 90, 80])
    expected = [np.log(2), np.log(2) / 2, np.log(4) / 4]
    weights = play_weights(history, half_life_days=10)
    np.testing.assert_allclose(weights, expected, rtol=1e-6)
    np.testing.assert_allclose(play_weights(history), np.log([2, 2, 4]), rtol=1e-6)


def test_an_unknown_time_counts_as_the_oldest():
    history = history_of([0, 1, 2], days=[-1, 20, 10])
    weights = play_weights(history, half_life_days=10)
    np.testing.assert_allclose(weights / weights.max(), [0.5, 1, 0.5], rtol=1e-6)
    assert len(set(play_weights(history_of([0, 1]), half_life_days=10).tolist())) == 1


def test_however_old_a_play_still_counts():
    weights = play_weights(history_of([0, 1], days=[0, 20_000]), half_life_days=1)
    assert (weights > 0).all()


# Space


def test_whitened_in_full_the_catalogue_has_no_common_part_and_varies_alike():
    rng = np.random.default_rng(0)
    vectors = unit_rows((rng.normal(size=(20_000, 3)) * [3, 1, 0.3] + 2).astype(np.float32))
    space = SoundSpace.of(vectors)
    moved = (vectors - space.mean) @ space.kernel
    np.testing.assert_allclose(moved.mean(axis=0), 0, atol=0.01)
    covariance = np.cov(moved.T)
    np.testing.assert_allclose(covariance / covariance[0, 0], np.eye(3), atol=0.02)


def test_a_catalogue_of_one_track_keeps_its_sound():
    vectors = np.array([[0.6, 0.8], [0, 0]], np.float32)
    # The mean is shrunk to 1 / (1 + 2) of it, and nothing varies.
    np.testing.assert_allclose(SoundSpace.of(vectors).unit(vectors), vectors, atol=1e-6)


def test_few_tracks_are_hardly_whitened():
    rng = np.random.default_rng(1)
    vectors = unit_rows(rng.normal(size=(10, 100)).astype(np.float32))
    vectors[1] = unit_rows(vectors[:1] + 0.1 * vectors[1:2])[0]
    moved = SoundSpace.of(vectors).unit(vectors)
    # In full, ten tracks in a hundred dimensions would all be equally far from each other.
    assert moved[0] @ moved[1] > 0.9
    assert abs(moved[0] @ moved[2]) < 0.5


def test_without_whitening_or_tracks_the_space_is_the_raw_one():
    vectors = catalogue(0)
    np.testing.assert_allclose(raw(vectors).unit(vectors), vectors, atol=1e-6)
    nothing = np.zeros((3, 2), np.float32)
    assert not SoundSpace.of(nothing).unit(nothing).any()


@unhurried
@given(SEEDS)
def test_the_index_keeps_no_moved_vector_and_agrees_with_them(seed: int):
    vectors = catalogue(seed)
    space = SoundSpace.of(vectors)
    index = SoundIndex(vectors, space)
    assert index.unknown.tolist() == np.flatnonzero(~vectors.any(axis=1)).tolist()
    directions = space.unit(vectors)[vectors.any(axis=1)][:3]
    expected = directions @ space.unit(vectors).T
    known = vectors.any(axis=1)
    np.testing.assert_allclose(index.products(directions)[:, known], expected[:, known], atol=1e-4)
    between = index.between(np.arange(5, dtype=np.int32), np.arange(60, dtype=np.int32))
    moved = space.unit(vectors)
    np.testing.assert_allclose(between, moved[:5] @ moved.T, atol=1e-5)


# Centres


TWO_TASTES = np.array([[1, 0], [0.96, 0.28], [0, 1], [0.28, 0.96]], np.float32)


def test_two_tastes_by_hand():
    found = centres_of(TWO_TASTES, np.array([2, 1, 1, 1], np.float32), 2)
    # (2 x (1, 0) + (0.96, 0.28)) / 3 and ((0, 1) + (0.28, 0.96)) / 2.
    expected = np.array([[2.96 / 3, 0.28 / 3], [0.14, 0.98]])
    np.testing.assert_allclose(found.means, expected, atol=1e-6)
    np.testing.assert_allclose(found.masses, [0.6, 0.4], atol=1e-6)


def test_one_centre_is_the_mean():
    found = centres_of(TWO_TASTES, np.array([2, 1, 1, 1], np.float32), 1)
    np.testing.assert_allclose(found.means, [[3.24 / 5, 2.24 / 5]], atol=1e-6)
    assert found.masses.tolist() == [1]


def test_a_play_without_an_embedding_is_left_out():
    vectors = np.array([[0, 0], [1, 0]], np.float32)
    found = centres_of(vectors, np.array([5, 1], np.float32), 8)
    assert (found.means.tolist(), found.masses.tolist()) == ([[1, 0]], [1])
    assert len(centres_of(vectors[:1], np.ones(1, np.float32), 8)) == 0


def test_equal_plays_are_one_centre():
    found = centres_of(np.tile(TWO_TASTES[1], (6, 1)), np.ones(6, np.float32), 4)
    assert len(found) == 1


def test_plays_that_cancel_each_other_say_nothing_as_one_and_all_as_two():
    opposite = np.array([[1, 0], [-1, 0]], np.float32)
    assert not len(centres_of(opposite, np.ones(2, np.float32), 1))
    assert centres_of(opposite, np.ones(2, np.float32), 2).means.tolist() == opposite.tolist()


@unhurried
@given(SEEDS, st.integers(1, 12), st.integers(1, 40))
def test_centres_are_what_they_promise(seed: int, k: int, plays: int):
    rng = np.random.default_rng(seed)
    vectors = unit_rows(rng.normal(size=(plays, 6)).astype(np.float32))
    weights = rng.uniform(0.1, 3, plays).astype(np.float32)
    found = centres_of(vectors, weights, k)
    assert 1 <= len(found) <= min(k, plays)
    assert (found.masses > 0).all()
    assert (np.diff(found.masses) <= 0).all()
    np.testing.assert_allclose(found.masses.sum(), 1, rtol=1e-5)
    assert (np.linalg.norm(found.means, axis=1) <= 1 + 1e-5).all()
    # Whatever the centres, their weighted mean is that of the plays.
    expected = weights @ vectors / weights.sum()
    np.testing.assert_allclose(found.masses @ found.means, expected, atol=1e-5)
    again = centres_of(vectors, weights, k)
    assert (again.means == found.means).all()
    # Only shares of the weights count: the moment of asking changes nothing.
    scaled = centres_of(vectors, weights * 4, k)
    np.testing.assert_allclose(scaled.means, found.means, atol=1e-5)


@unhurried
@given(SEEDS)
def test_as_many_centres_as_plays_is_every_play(seed: int):
    rng = np.random.default_rng(seed)
    vectors = unit_rows(rng.normal(size=(5, 6)).astype(np.float32))
    weights = rng.permutation(5).astype(np.float32) + 1
    found = centres_of(vectors, weights, 8)
    order = np.argsort(-weights)
    np.testing.assert_allclose(found.means, vectors[order], atol=1e-6)
    np.testing.assert_allclose(found.masses, weights[order] / 15, rtol=1e-6)


# Scores


def test_one_centre_scores_by_its_product():
    cosines = np.array([[0.9, 0.1, -1]], np.float32)
    scores = taste_scores(cosines.copy(), np.ones(1, np.float32), temperature=0.3)
    np.testing.assert_allclose(scores, cosines[0], atol=1e-5)


def test_scores_by_hand():
    cosines = np.log(np.array([[0.5, 0.25], [0.25, 0.25]])).astype(np.float32) + 1
    scores = taste_scores(cosines, np.array([0.8, 0.2], np.float32), temperature=1)
    np.testing.assert_allclose(scores, 1 + np.log([0.45, 0.25]), rtol=1e-6)


def test_cold_the_nearest_decides_and_hot_the_mean():
    cosines = np.array([[0.9, 0.2, 0.6], [-0.9, 0.2, 0.5]], np.float32)
    masses = np.array([0.5, 0.5], np.float32)
    cold = taste_scores(cosines.copy(), masses, temperature=0.05)
    assert np.argsort(-cold).tolist() == [0, 2, 1]
    hot = taste_scores(cosines.copy(), masses, temperature=10)
    assert np.argsort(-hot).tolist() == [2, 1, 0]
    np.testing.assert_allclose(hot, masses @ cosines, atol=0.05)


@pytest.mark.parametrize("wrong", [{"temperature": 0}, {"max_centres": 0}, {"half_life_days": 0}])
def test_settings_out_of_range_are_refused(wrong: dict[str, float]):
    with pytest.raises(ValidationError):
        TasteConfig(**wrong)


# The retriever


def test_two_tastes_find_tracks_of_both_where_the_mean_finds_what_lies_between():
    #                        played: 0 and 1; to find: one like each, and one in the middle
    vectors = np.array([[1, 0], [0, 1], [0.96, 0.28], [0.28, 0.96], [0.6, 0.8]], np.float32)
    index = SoundIndex(vectors, raw(vectors))
    query = Query(history_of([0, 1]), np.array([False, False, True, True, True]))
    mean = AudioRetriever(index, config=TasteConfig(max_centres=1)).retrieve(query, 3)
    assert mean.tracks[0] == 4
    cold = TasteConfig(temperature=0.05)
    several = AudioRetriever(index, config=cold).retrieve(query, 3)
    assert several.tracks.tolist() == [2, 3, 4]
    # 1 + 0.05 log(0.5 exp(-0.04 / 0.05) + 0.5 exp(-0.72 / 0.05))
    nearest = 1 + 0.05 * np.log(0.5 * np.exp(-0.8) + 0.5 * np.exp(-14.4))
    np.testing.assert_allclose(several.scores[0], nearest, rtol=1e-5)


@settings(max_examples=50, deadline=None)
@given(SEEDS, st.integers(1, 80), st.sampled_from([0.05, 0.5, 1.0]), st.booleans())
def test_the_retriever_agrees_with_brute_force(seed: int, n: int, heat: float, whiten: bool):
    rng = np.random.default_rng(seed)
    vectors = catalogue(seed)
    played = rng.choice(60, rng.integers(1, 30), replace=False).tolist()
    days = rng.integers(0, 400, len(played)).tolist()
    history = history_of(played, counts=rng.integers(1, 9, len(played)).tolist(), days=days)
    eligible = rng.random(60) < 0.7
    config = TasteConfig(max_centres=4, temperature=heat, whiten=whiten)
    space = SoundSpace.of(vectors, whiten=whiten)
    retriever = AudioRetriever(SoundIndex(vectors, space), config=config)
    found = retriever.retrieve(Query(history, eligible), n)

    centres = taste_centres(history, vectors, space=space, config=config)
    allowed = np.flatnonzero(eligible & vectors.any(axis=1))
    if not len(centres):
        assert not len(found)
        return
    expected = np.array([brute_force(centres, space.unit(vectors)[t], heat) for t in allowed])
    assert len(found) == min(n, allowed.size)
    assert set(found.tracks.tolist()) <= set(allowed.tolist())
    best = np.sort(expected)[::-1][: len(found)]
    np.testing.assert_allclose(found.scores, best, atol=2e-4)
    by_track = dict(zip(allowed.tolist(), expected.tolist(), strict=True))
    ours = [by_track[t] for t in found.tracks.tolist()]
    np.testing.assert_allclose(found.scores, ours, atol=2e-4)
    assert (retriever.retrieve(Query(history, eligible), n).tracks == found.tracks).all()


def brute_force(centres: TasteCentres, vector: np.ndarray, heat: float) -> float:
    pairs = zip(centres.masses.tolist(), centres.means, strict=True)
    return float(1 + heat * np.log(sum(m * np.exp((c @ vector - 1) / heat) for m, c in pairs)))


def test_nothing_is_proposed_where_nothing_is_heard():
    vectors = catalogue(3)
    unheard = int(np.flatnonzero(~vectors.any(axis=1))[0])
    retriever = AudioRetriever(SoundIndex(vectors, SoundSpace.of(vectors)))
    for history in (History(), history_of([unheard])):
        assert not len(retriever.retrieve(Query(history, np.ones(60, bool)), 5))


def test_what_was_played_last_counts_most():
    vectors = np.array([[1, 0], [0, 1], [0.96, 0.28], [0.28, 0.96]], np.float32)
    index = SoundIndex(vectors, raw(vectors))
    eligible = np.array([False, False, True, True])
    retriever = AudioRetriever(index, config=TasteConfig(half_life_days=30))
    for days, first in (([0, 300], 3), ([300, 0], 2)):
        found = retriever.retrieve(Query(history_of([0, 1], days=days), eligible), 2)
        assert found.tracks[0] == first


# The system of the evaluation


@settings(max_examples=20, deadline=None)
@given(SEEDS)
def test_a_block_of_users_scores_as_one_at_a_time(seed: int):
    rng = np.random.default_rng(seed)
    vectors = catalogue(seed)
    plays = sp.random_array((7, 60), density=0.1, format="csr", rng=rng).astype(np.float32)
    candidates = rng.permutation(60)[:40].astype(np.int32)
    histories = list(histories_of(plays))
    config = TasteConfig(max_centres=3)
    system = TasteSystem.of(histories, vectors, candidates=candidates, config=config)
    scores = np.concatenate([system.scores(slice(0, 4)), system.scores(slice(4, 7))])
    assert scores.shape == (7, 40)
    assert not np.isnan(scores).any()
    retriever = AudioRetriever(SoundIndex(vectors, SoundSpace.of(vectors)), config=config)
    for row, history in enumerate(histories):
        found = retriever.retrieve(Query(history, np.isin(np.arange(60), candidates)), 60)
        by_track = dict(zip(found.tracks.tolist(), found.scores.tolist(), strict=True))
        expected = [by_track.get(int(track), -np.inf) for track in candidates]
        np.testing.assert_allclose(scores[row], expected, atol=2e-4)
