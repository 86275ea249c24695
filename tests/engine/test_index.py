from __future__ import annotations

import numpy as np
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st

from data.vectors import unit_rows
from engine.index import ExactIndex
from engine.profile import audio_profile, audio_profiles
from tests.engine.conftest import World, make_embeddings


def test_search_finds_the_nearest_by_hand() -> None:
    vectors = np.array([[1, 0], [0, 1], [0.6, 0.8], [0, 0]], np.float32)
    index = ExactIndex(vectors, np.array([True, True, True, False]))
    found = index.search(np.array([0, 1], np.float32), 3)
    assert found.tracks.tolist() == [1, 2, 0]
    np.testing.assert_allclose(found.scores, [1, 0.8, 0], atol=1e-6)
    assert len(index) == 3


def test_what_is_not_eligible_is_not_found() -> None:
    vectors = np.eye(3, dtype=np.float32)
    index = ExactIndex(vectors, np.ones(3, bool))
    eligible = np.array([False, True, True])
    found = index.search(np.array([1, 0, 0], np.float32), 3, eligible=eligible)
    assert found.tracks.tolist() == [1, 2]


@given(st.integers(1, 40), st.integers(0, 2**32 - 1))
def test_search_agrees_with_sorting(k: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    vectors = unit_rows(rng.normal(size=(25, 5)).astype(np.float32))
    known = rng.random(25) < 0.8
    query = vectors[0]
    found = ExactIndex(vectors, known).search(query, k)
    scores = np.where(known, vectors @ query, -np.inf)
    expected = sorted(np.flatnonzero(known), key=lambda t: (-scores[t], t))[:k]
    assert found.tracks.tolist() == expected


def test_profile_weighs_by_log_of_plays() -> None:
    embeddings = np.eye(2, dtype=np.float32)
    plays = sp.csr_matrix(np.array([[3, 1], [0, 0]], np.float32))
    profiles = audio_profiles(plays, embeddings)
    expected = np.array([np.log(4), np.log(2)])
    np.testing.assert_allclose(profiles[0], expected / np.linalg.norm(expected), rtol=1e-6)
    assert not profiles[1].any()


def test_one_profile_is_a_row_of_all(world: World) -> None:
    embeddings = make_embeddings()
    profiles = audio_profiles(world.plays.matrix(), embeddings)
    for user in range(len(world.plays.users)):
        one = audio_profile(world.plays.history(user), embeddings)
        np.testing.assert_allclose(one, profiles[user], atol=1e-6)
