from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings

from ranker import Candidates, RankerConfig, ReciprocalRankFusion, merge
from tests.ranker.contract import QUERY, RankerContract
from tests.ranker.strategies import candidate_lists, scores_of, tracks_of


class TestReciprocalRankFusion(RankerContract):
    @pytest.fixture
    def ranker(self):
        return ReciprocalRankFusion(RankerConfig())


def listed(source, *tracks):
    return Candidates(source, tracks_of(tracks), scores_of(range(len(tracks), 0, -1)))


def test_adds_up_weighted_reciprocal_ranks():
    config = RankerConfig(rrf_k=60, weight_cf=1, weight_audio=0.5)
    pool = merge([listed("cf", 4, 1), listed("audio", 1, 8)])
    fusion = ReciprocalRankFusion(config)
    ranked = fusion.rank(QUERY, pool, 3)
    assert ranked.tracks.tolist() == [1, 4, 8]
    np.testing.assert_allclose(ranked.scores, [1 / 62 + 0.5 / 61, 1 / 61, 0.5 / 62], rtol=1e-6)
    np.testing.assert_allclose(
        fusion.contributions(pool), [[1 / 62, 0.5 / 61], [1 / 61, 0], [0, 0.5 / 62]]
    )


@settings(deadline=None)
@given(candidate_lists())
def test_agrees_with_exact_arithmetic(lists):
    config = RankerConfig(rrf_k=60, weight_cf=1, weight_audio=0.5, weight_popular=0.25)
    exact = {}
    for found in lists:
        for rank, track in enumerate(found.tracks.tolist(), start=1):
            term = Fraction(config.weight(found.source)) / (60 + rank)
            exact[track] = exact.get(track, 0) + term
    ranked = ReciprocalRankFusion(config).rank(QUERY, merge(lists), len(exact))
    assert sorted(ranked.tracks.tolist()) == sorted(exact)
    expected = [float(exact[track]) for track in ranked.tracks.tolist()]
    np.testing.assert_allclose(ranked.scores, expected, rtol=1e-6)


def test_equal_terms_of_other_sources_tie():
    # Track 9 has ranks 1, 2, 8, track 5 has 2, 8, 1, track 3 has 8, 1, 2. Added up in the order of
    # the sources, 9 would be ahead in the last digit of float64.
    fusion = ReciprocalRankFusion(RankerConfig(weight_cf=1, weight_audio=1, weight_popular=1))
    lists = [
        listed("cf", 9, 5, *range(10, 15), 3),
        listed("audio", 3, 9, *range(15, 20), 5),
        listed("popular", 5, 3, *range(20, 25), 9),
    ]
    ranked = fusion.rank(QUERY, merge(lists), 3)
    assert ranked.tracks.tolist() == [3, 5, 9]
    assert len(set(ranked.scores.tolist())) == 1


def test_a_source_without_weight_still_fills_the_answer():
    fusion = ReciprocalRankFusion(RankerConfig(weight_popular=0))
    ranked = fusion.rank(QUERY, merge([listed("cf", 6), listed("popular", 8, 2)]), 5)
    assert ranked.tracks.tolist() == [6, 2, 8]
    assert ranked.scores[1:].tolist() == [0, 0]
