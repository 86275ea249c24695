"""What every `Ranker` keeps. Inherit it and give a `ranker` fixture."""

from __future__ import annotations

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data.history import History
from ranker import Query, merge
from tests.ranker.strategies import N_TRACKS, candidate_lists

QUERY = Query(History(), np.ones(N_TRACKS, bool))


class RankerContract:
    # The fixture holds no state, so that one serves every example; each class that inherits this
    # is another executor of the same test.
    relaxed = settings(
        deadline=None,
        suppress_health_check=[
            HealthCheck.function_scoped_fixture,
            HealthCheck.differing_executors,
        ],
    )

    def test_has_a_name(self, ranker):
        assert ranker.name
        assert ranker.rank(QUERY, merge([]), 5).source == ranker.name

    @relaxed
    @given(lists=candidate_lists(), n=st.integers(0, 40))
    def test_returns_the_best_of_the_pool_once_each(self, ranker, lists, n):
        pool = merge(lists)
        ranked = ranker.rank(QUERY, pool, n)
        assert len(ranked) == min(n, pool.tracks.size)
        assert len(set(ranked.tracks.tolist())) == len(ranked)
        assert set(ranked.tracks.tolist()) <= set(pool.tracks.tolist())
        assert ranked.tracks.dtype == np.int32
        assert ranked.scores.dtype == np.float32
        assert (np.diff(ranked.scores) <= 0).all()

    @relaxed
    @given(lists=candidate_lists(), n=st.integers(0, 40))
    def test_fewer_are_the_head_of_more(self, ranker, lists, n):
        pool = merge(lists)
        every = ranker.rank(QUERY, pool, pool.tracks.size)
        np.testing.assert_array_equal(ranker.rank(QUERY, pool, n).tracks, every.tracks[:n])

    @relaxed
    @given(lists=candidate_lists(), n=st.integers(0, 40))
    def test_ties_go_to_the_lower_track(self, ranker, lists, n):
        ranked = ranker.rank(QUERY, merge(lists), n)
        tied = ranked.scores[1:] == ranked.scores[:-1]
        assert (np.diff(ranked.tracks)[tied] > 0).all()
