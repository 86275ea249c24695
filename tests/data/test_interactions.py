import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.errors import DataError
from data.interactions import Feedback, Interactions
from data.vocabulary import Vocabulary

USERS, TRACKS = Vocabulary(["u0", "u1", "u2", "u3"]), Vocabulary(["t0", "t1", "t2", "t3", "t4"])
ROWS = st.lists(
    st.tuples(
        st.integers(0, 3), st.integers(0, 4), st.integers(1, 50), st.integers(-1, 2_000_000_000)
    ),
    max_size=30,
)


def make(*rows):
    """Make interactions of rows of (user, track, count, at)."""
    columns = np.array(rows, dtype=np.float64).reshape(-1, 4).T
    return Interactions(USERS, TRACKS, *columns)


@settings(deadline=None)
@given(ROWS)
def test_rows_are_kept_sorted_and_typed(rows):
    plays = make(*rows)
    assert len(plays) == len(rows)
    columns = (plays.user, plays.track, plays.count, plays.at)
    kept = list(zip(*(column.tolist() for column in columns), strict=True))
    assert sorted(kept) == sorted(rows)
    places = [(user, track, at) for user, track, _, at in kept]
    assert places == sorted(places)
    assert [c.dtype for c in columns] == [np.int32, np.int32, np.float32, np.int64]
    assert not any(column.flags.writeable for column in columns)


@settings(deadline=None)
@given(ROWS)
def test_matrix_adds_up_the_plays_of_a_pair(rows):
    matrix = make(*rows).matrix()
    expected = np.zeros((4, 5))
    for user, track, count, _ in rows:
        expected[user, track] += count
    assert matrix.dtype == np.float32
    assert matrix.shape == (4, 5)
    np.testing.assert_array_equal(matrix.toarray(), expected)
    assert matrix.nnz == np.count_nonzero(expected)
    assert matrix.has_sorted_indices


@settings(deadline=None)
@given(ROWS)
def test_history_is_the_row_of_the_matrix(rows):
    plays = make(*rows)
    for user in range(4):
        mine = [row for row in rows if row[0] == user]
        history = plays.history(user)
        assert history.empty == (not mine)
        assert history.tracks.tolist() == sorted({track for _, track, _, _ in mine})
        for track, count, last_at in zip(
            history.tracks.tolist(), history.counts, history.last_at, strict=True
        ):
            assert count == sum(c for _, t, c, _ in mine if t == track)
            assert last_at == max(at for _, t, _, at in mine if t == track)
        types = (history.tracks.dtype, history.counts.dtype, history.last_at.dtype)
        assert types == (np.int32, np.float32, np.int64)


@settings(deadline=None)
@given(ROWS, st.data())
def test_select_keeps_the_rows_of_a_mask(rows, data):
    plays = make(*rows)
    mask = np.array(
        data.draw(st.lists(st.booleans(), min_size=len(rows), max_size=len(rows))), bool
    )
    chosen = plays.select(mask)
    assert chosen.users is plays.users
    assert chosen.tracks is plays.tracks
    for name in ("user", "track", "count", "at"):
        np.testing.assert_array_equal(getattr(chosen, name), getattr(plays, name)[mask])


def test_matrix_is_made_once():
    plays = make((0, 0, 1, -1))
    assert plays.matrix() is plays.matrix()


def test_history_of_a_user_beyond_the_last_is_empty():
    assert make((3, 0, 1, -1)).history(4).empty
    assert make((0, 0, 1, -1)).history(-1).empty


def test_has_times_only_where_every_row_has():
    assert make((0, 0, 1, 0), (0, 1, 1, 5)).has_times
    assert not make((0, 0, 1, 0), (0, 1, 1, -1)).has_times
    assert not make().has_times


@pytest.mark.parametrize("count", [0, -1, np.nan, np.inf])
def test_refuses_counts_that_are_not_finite_and_above_zero(count):
    with pytest.raises(DataError, match=f"finite and above zero. Received: {float(count)}"):
        make((0, 0, 1, -1), (1, 1, count, -1))


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ((4, 0, 1, -1), "A user is not in its vocabulary of 4 ids. Received: 4"),
        ((-1, 0, 1, -1), "A user is not in its vocabulary of 4 ids. Received: -1"),
        ((0, 5, 1, -1), "A track is not in its vocabulary of 5 ids. Received: 5"),
        ((0, -1, 1, -1), "A track is not in its vocabulary of 5 ids. Received: -1"),
    ],
)
def test_refuses_indices_out_of_range(row, message):
    with pytest.raises(DataError, match=message):
        make((0, 0, 1, -1), row)


def test_refuses_columns_of_two_lengths():
    with pytest.raises(DataError, match="differ in length"):
        Interactions(USERS, TRACKS, np.zeros(2), np.zeros(2), np.ones(1), np.zeros(2))


def test_of_a_table_with_defaults():
    plays = Interactions.from_frame(pd.DataFrame({"user_id": ["b", "a"], "track_id": ["x", "x"]}))
    assert list(plays.users) == ["a", "b"]
    assert list(plays.tracks) == ["x"]
    assert plays.count.tolist() == [1, 1]
    assert plays.at.tolist() == [-1, -1]
    assert repr(plays) == "Interactions(2 rows, 2 users x 1 tracks)"


def test_of_a_table_with_counts_and_times():
    frame = pd.DataFrame(
        {"user_id": ["u1", "u0"], "track_id": ["t4", "t4"], "count": [2, 7], "at": [9.0, np.nan]}
    )
    plays = Interactions.from_frame(frame, users=USERS, tracks=TRACKS)
    assert plays.user.tolist() == [0, 1]
    assert plays.track.tolist() == [4, 4]
    assert plays.count.tolist() == [7, 2]
    assert plays.at.tolist() == [-1, 9]


@pytest.mark.parametrize("at", [pd.array([5, None], dtype="Int64"), np.array([5.0, np.nan])])
def test_missing_times_are_unknown(at):
    frame = pd.DataFrame({"user_id": ["u0", "u1"], "track_id": ["t0", "t0"], "at": at})
    assert Interactions.from_frame(frame).at.tolist() == [5, -1]


def test_of_a_table_names_an_unknown_id():
    frame = pd.DataFrame({"user_id": ["u0", "who"], "track_id": ["t0", "t0"]})
    with pytest.raises(DataError, match="The user 'who' is not among the 4 known ids"):
        Interactions.from_frame(frame, users=USERS)
    with pytest.raises(DataError, match="The track 't0' is not among the 0 known ids"):
        Interactions.from_frame(frame, tracks=Vocabulary([]))


def test_a_missing_id_is_an_error():
    frame = pd.DataFrame({"user_id": ["u0", None], "track_id": ["t0", "t0"]})
    with pytest.raises(DataError, match="must be a string"):
        Interactions.from_frame(frame)


def test_of_an_empty_table():
    plays = Interactions.from_frame(pd.DataFrame({"user_id": [], "track_id": []}))
    assert len(plays) == 0
    assert plays.matrix().shape == (0, 0)


def test_compares_by_identity():
    first, second = make((0, 0, 1, -1), (1, 1, 1, -1)), make((0, 0, 1, -1), (1, 1, 1, -1))
    assert first != second
    assert len({first, first}) == 1


def test_feedback_tells_plays_and_hidden_tracks():
    feedback = Feedback(make((0, 1, 2, 9)), make((0, 3, 1, -1), (1, 4, 1, -1)))
    history = feedback.history(0)
    assert history.tracks.tolist() == [1]
    assert history.counts.tolist() == [2]
    assert history.last_at.tolist() == [9]
    assert history.hidden.tolist() == [3]
    assert feedback.history(1).empty
    assert feedback.history(1).hidden.tolist() == [4]
