import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.errors import ParameterError
from ranker import Candidates, mmr
from tests.ranker.strategies import N_TRACKS, candidates, scores_of, tracks_of


def listed(*pairs):
    tracks, scores = zip(*pairs, strict=True)
    return Candidates("rrf", tracks_of(tracks), scores_of(scores))


def embeddings(seed, width=3):
    """Unit vectors for N_TRACKS tracks; every fourth has none."""
    vectors = np.random.default_rng(seed).normal(size=(N_TRACKS, width)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    vectors[::4] = 0
    return vectors


def test_the_double_of_a_chosen_track_has_to_wait():
    # Tracks 0 and 1 sound the same, 2 does not. Relevance is 1, 0.8, 0; with diversity 0.5 the
    # second place is worth 0.4 - 0.5 to track 1, and 0 - 0 to track 2.
    vectors = np.array([[1, 0], [1, 0], [0, 1]], np.float32)
    found = listed((0, 10), (1, 9), (2, 5))
    chosen = mmr(found, vectors, n=3, diversity=0.5)
    assert chosen.tracks.tolist() == [0, 2, 1]
    assert chosen.scores.tolist() == [10, 5, 9]
    assert chosen.source == "rrf"
    # With diversity 0.4 it is 0.48 - 0.4 against 0.
    assert mmr(found, vectors, n=3, diversity=0.4).tracks.tolist() == [0, 1, 2]


def test_the_opposite_sound_is_the_most_welcome():
    vectors = np.array([[1, 0], [0, 1], [-1, 0]], np.float32)
    chosen = mmr(listed((0, 3), (1, 2), (2, 1)), vectors, n=3, diversity=1)
    assert chosen.tracks.tolist() == [0, 2, 1]


def test_a_track_without_an_embedding_is_like_nothing():
    # Track 2 has none: 0 against the cosine 0.6 of track 1.
    vectors = np.array([[1, 0], [0.6, 0.8], [0, 0]], np.float32)
    chosen = mmr(listed((0, 3), (1, 2), (2, 2)), vectors, n=3, diversity=0.5)
    assert chosen.tracks.tolist() == [0, 2, 1]


def test_equal_scores_are_ordered_by_sound_alone():
    vectors = np.array([[1, 0], [1, 0], [0, 1]], np.float32)
    chosen = mmr(listed((0, 5), (1, 5), (2, 5)), vectors, n=3, diversity=0.1)
    assert chosen.tracks.tolist() == [0, 2, 1]


@settings(deadline=None)
@given(candidates(), st.integers(0, 40), st.integers(0, 2**32 - 1))
def test_no_diversity_is_the_head(found, n, seed):
    chosen = mmr(found, embeddings(seed), n=n, diversity=0)
    np.testing.assert_array_equal(chosen.tracks, found.tracks[:n])
    np.testing.assert_array_equal(chosen.scores, found.scores[:n])


@settings(deadline=None)
@given(candidates(min_size=1), st.integers(0, 40), st.integers(0, 2**32 - 1), st.floats(0.01, 1))
def test_each_choice_is_the_best_after_those_before(found, n, seed, diversity):
    vectors = embeddings(seed)
    chosen = mmr(found, vectors, n=n, diversity=diversity)
    tracks = chosen.tracks.tolist()
    assert len(tracks) == len(set(tracks)) == min(n, len(found))
    spread = float(np.ptp(found.scores))
    low = float(found.scores.min())
    relevance = {
        track: (score - low) / spread if spread else 1.0
        for track, score in zip(found.tracks.tolist(), found.scores.tolist(), strict=True)
    }
    for place, track in enumerate(tracks):

        def value(candidate, before=tracks[:place]):
            likeness = max((float(vectors[candidate] @ vectors[b]) for b in before), default=0.0)
            return (1 - diversity) * relevance[candidate] - diversity * likeness

        left = set(relevance) - set(tracks[:place])
        assert value(track) >= max(value(other) for other in left) - 1e-5


@pytest.mark.parametrize("diversity", [-0.1, 1.1, float("nan")])
def test_refuses_a_diversity_out_of_range(diversity):
    with pytest.raises(ParameterError, match="from 0 to 1"):
        mmr(listed((0, 1)), embeddings(0), n=1, diversity=diversity)
