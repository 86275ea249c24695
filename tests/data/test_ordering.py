import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from data.ordering import Rows, in_order

ROWS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 4), st.integers(-1, 3)), max_size=40)


def make(rows):
    """Make rows of (user, track, at); counts number them, so that each can be told."""
    user, track, at = np.array(rows, dtype=np.int64).reshape(-1, 3).T
    count = np.arange(1, len(rows) + 1, dtype=np.float32)
    return Rows(user.astype(np.int32), track.astype(np.int32), count, at)


def listed(rows):
    columns = (rows.user, rows.track, rows.at, rows.count)
    return list(zip(*(column.tolist() for column in columns), strict=True))


@settings(deadline=None)
@given(ROWS, st.booleans())
def test_is_the_stable_sort_by_user_track_and_time(rows, timed):
    rows = [(user, track, at if timed else -1) for user, track, at in rows]
    found = in_order(make(rows), n_users=4, n_tracks=5)
    numbered = [(*row, number) for number, row in enumerate(rows, 1)]
    assert listed(found) == sorted(numbered)
    types = [found.user.dtype, found.track.dtype, found.count.dtype, found.at.dtype]
    assert types == [np.int32, np.int32, np.float32, np.int64]


@settings(deadline=None)
@given(ROWS)
def test_does_not_depend_on_how_many_places_there_are(rows):
    dense = in_order(make(rows), n_users=4, n_tracks=5)
    sparse = in_order(make(rows), n_users=1_000, n_tracks=5)
    assert listed(dense) == listed(sparse)


@settings(deadline=None)
@given(ROWS)
def test_rows_in_order_are_left_as_they_are(rows):
    ordered = make(sorted([*rows, *[(0, 0, 0)] * 9]))  # at least as many as there are places
    assert in_order(ordered, n_users=4, n_tracks=5) is ordered


def test_the_last_row_may_be_the_one_out_of_order():
    """More rows than places, of one pair, of which only the last two are in the wrong order."""
    rows = [(0, 0, at) for at in range(10)] + [(0, 0, 3)]
    found = in_order(make(rows), n_users=1, n_tracks=1)
    assert found.at.tolist() == [0, 1, 2, 3, 3, 4, 5, 6, 7, 8, 9]
    assert found.count.tolist() == [1, 2, 3, 4, 11, 5, 6, 7, 8, 9, 10]
