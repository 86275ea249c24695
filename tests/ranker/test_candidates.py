import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.errors import DataError
from data.history import History
from ranker import Candidates, Query, merge, top_n
from tests.ranker.strategies import N_TRACKS, candidate_lists, candidates, scores_of, tracks_of

# Few values, so that ties are common; minus infinity is never returned.
VALUES = st.lists(st.sampled_from([-np.inf, -1.5, 0.0, -0.0, 1.0, 2.0, np.inf]), max_size=30)


@settings(deadline=None)
@given(VALUES, st.integers(-2, 40), st.sampled_from([np.float32, np.float64]))
def test_top_n_is_the_head_of_a_sort(values, n, dtype):
    expected = [i for i in range(len(values)) if values[i] > -np.inf]
    expected.sort(key=lambda i: (-values[i], i))
    best = top_n(np.array(values, dtype), n)
    assert best.dtype == np.int32
    assert best.tolist() == expected[: max(n, 0)]


@settings(deadline=None)
@given(VALUES, st.integers(0, 40), st.data())
def test_top_n_among_some_positions(values, n, data):
    positions = st.integers(0, max(len(values) - 1, 0))
    among = sorted(data.draw(st.sets(positions))) if values else []
    expected = [i for i in among if values[i] > -np.inf]
    expected.sort(key=lambda i: (-values[i], i))
    assert top_n(np.array(values), n, among=tracks_of(among)).tolist() == expected[:n]


def test_top_n_does_not_change_the_scores():
    scores = scores_of([1, 3, 2])
    scores.flags.writeable = False
    assert top_n(scores, 2).tolist() == [1, 2]


def test_merge_keeps_where_each_track_came_from():
    pool = merge(
        [
            Candidates("cf", tracks_of([7, 2]), scores_of([0.9, 0.1])),
            Candidates("audio", tracks_of([2, 5]), scores_of([8, 4])),
            Candidates("popular"),
        ]
    )
    assert pool.sources == ("cf", "audio", "popular")
    assert pool.tracks.tolist() == [2, 5, 7]
    assert pool.ranks.tolist() == [[2, 1, 0], [0, 2, 0], [1, 0, 0]]
    np.testing.assert_allclose(pool.scores, [[0.1, 8, 0], [0, 4, 0], [0.9, 0, 0]])
    assert pool.sources_of(2) == ["cf", "audio"]
    assert pool.sources_of(7) == ["cf"]
    assert pool.sources_of(6) == pool.sources_of(9) == []


@settings(deadline=None)
@given(candidate_lists())
def test_merge_loses_nothing(lists):
    pool = merge(lists)
    assert pool.tracks.dtype == np.int32
    assert pool.tracks.tolist() == sorted({t for c in lists for t in c.tracks.tolist()})
    for column, given_list in enumerate(lists):
        placed = np.flatnonzero(pool.ranks[:, column])
        order = placed[np.argsort(pool.ranks[placed, column])]
        np.testing.assert_array_equal(pool.tracks[order], given_list.tracks)
        np.testing.assert_array_equal(pool.scores[order, column], given_list.scores)
        assert sorted(pool.ranks[placed, column]) == list(range(1, len(given_list) + 1))
        unplaced = pool.ranks[:, column] == 0
        assert not pool.scores[unplaced, column].any()
    for track in range(N_TRACKS):
        named = [c.source for c in lists if track in c.tracks]
        assert pool.sources_of(track) == named


def test_merge_of_nothing_is_empty():
    pool = merge([])
    assert pool.sources == ()
    assert pool.tracks.size == 0
    assert pool.ranks.shape == pool.scores.shape == (0, 0)
    assert pool.sources_of(0) == []


@settings(deadline=None)
@given(candidates(), st.integers(0, 40))
def test_head(found, n):
    head = found.head(n)
    assert head.source == found.source
    np.testing.assert_array_equal(head.tracks, found.tracks[:n])
    np.testing.assert_array_equal(head.scores, found.scores[:n])


def test_candidates_refuse_columns_of_two_lengths():
    with pytest.raises(DataError, match="'cf': tracks and scores differ"):
        Candidates("cf", tracks_of([1, 2]), scores_of([1]))
    with pytest.raises(DataError, match="differ"):
        Candidates("cf", tracks_of([[1]]), scores_of([[1]]))


def test_candidates_compare_by_identity():
    first, second = (Candidates("cf", tracks_of([1, 2]), scores_of([2, 1])) for _ in range(2))
    assert first == first
    assert first != second


def test_work_is_done_once_a_query_and_for_each_key():
    done = []

    def work(value):
        done.append(value)
        return value

    one, other = (Query(History(), np.ones(3, bool)) for _ in range(2))
    assert [one.once("factor", lambda: work(1)), one.once("factor", lambda: work(2))] == [1, 1]
    assert one.once("centres", lambda: work(3)) == 3
    assert other.once("factor", lambda: work(4)) == 4
    assert done == [1, 3, 4]


def test_nothing_is_remembered_as_well():
    query = Query(History(), np.ones(3, bool))
    assert query.once("factor", lambda: None) is None
    assert query.once("factor", lambda: 1) is None


@settings(deadline=None)
@given(candidate_lists(), st.lists(st.integers(0, N_TRACKS + 3), unique=True))
def test_rows_of_tracks_in_the_pool(lists, asked):
    pool = merge(lists)
    rows, known = pool.rows(tracks_of(asked))
    held = pool.tracks.tolist()
    assert known.tolist() == [track in held for track in asked]
    assert rows.tolist() == [held.index(track) for track in asked if track in held]
