"""Random walks worked out by hand."""

import numpy as np
import pytest
import scipy.sparse as sp

from cf_model.neighbours import ItemNeighbours, train_neighbours
from data.errors import DataError, ParameterError

# Users 0..2, tracks 0..3; track 3 was played by nobody.
PLAYS = sp.csr_matrix(np.array([[5, 1, 0, 0], [0, 1, 1, 0], [0, 2, 0, 0]], np.float32))
ALL = np.arange(4, dtype=np.int32)


def test_weights_by_hand():
    found = train_neighbours(PLAYS, user_power=1, popularity=0).weights.toarray()
    # From 0: its one listener has two tracks. From 1: each of three listeners a third.
    expected = np.array([[0, 1 / 2, 0, 0], [1 / 6, 0, 1 / 6, 0], [0, 1 / 2, 0, 0], [0, 0, 0, 0]])
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_a_popular_track_weighs_less():
    found = train_neighbours(PLAYS, user_power=0, popularity=0.5).weights.toarray()
    np.testing.assert_allclose(found[0], [0, 1 / np.sqrt(3), 0, 0], rtol=1e-6)
    np.testing.assert_allclose(found[1], [1 / 3, 0, 1 / 3, 0], rtol=1e-6)


def test_scores_add_up_over_the_history_whatever_the_counts():
    model = train_neighbours(PLAYS, user_power=1, popularity=0)
    history = sp.csr_matrix(np.array([[9, 0, 1, 0], [0, 0, 0, 3]], np.float32))
    scores = model.scores(history, np.array([1, 3], np.int32))
    np.testing.assert_allclose(scores, [[1, 0], [0, 0]], rtol=1e-6)


def test_only_the_strongest_are_kept_and_ties_go_to_the_lower_track():
    weights = train_neighbours(PLAYS, user_power=1, popularity=0, width=1).weights
    assert weights.getnnz(axis=1).tolist() == [1, 1, 1, 0]
    assert weights[1].indices.tolist() == [0]


def test_blocks_do_not_matter(monkeypatch):
    rng = np.random.default_rng(0)
    x = sp.random(40, 30, 0.2, random_state=rng, format="csr", dtype=np.float32)
    whole = train_neighbours(x, width=5).weights.toarray()
    monkeypatch.setattr("cf_model.neighbours._BLOCK", 7)
    np.testing.assert_array_equal(train_neighbours(x, width=5).weights.toarray(), whole)


def test_the_width_must_be_above_zero():
    with pytest.raises(ParameterError, match="width"):
        train_neighbours(PLAYS, width=0)


def random_neighbours():
    rng = np.random.default_rng(1)
    plays = sp.random(40, 30, 0.2, random_state=rng, format="csr", dtype=np.float32)
    return train_neighbours(plays, width=5)


@pytest.mark.parametrize("played", [[], [4], [0, 7, 29], list(range(30))])
def test_what_some_tracks_reach_is_what_a_history_scores(played):
    model = random_neighbours()
    history = np.zeros((1, 30), np.float32)
    history[0, played] = 1
    expected = model.scores(sp.csr_matrix(history), np.arange(30, dtype=np.int32))[0]
    found = model.reached(np.array(played, np.int32))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_arrays_are_all_there_is(tmp_path):
    model = random_neighbours()
    for name, array in model.arrays().items():
        np.save(tmp_path / f"{name}.npy", array)
    mapped = {file.stem: np.load(file, mmap_mode="r") for file in tmp_path.iterdir()}
    again = ItemNeighbours.of(mapped)
    assert isinstance(again.weights.data, np.memmap)
    assert (again.weights != model.weights).nnz == 0
    played = np.array([3, 8], np.int32)
    np.testing.assert_array_equal(again.reached(played), model.reached(played))


def test_without_arrays_there_is_none():
    assert ItemNeighbours.of({}) is None
    arrays = random_neighbours().arrays()
    del arrays["neighbour_tracks"]
    assert ItemNeighbours.of(arrays) is None


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("neighbour_starts", lambda a: a[:0]),
        ("neighbour_starts", lambda a: a + 1),
        ("neighbour_starts", lambda a: a[::-1]),
        ("neighbour_starts", lambda a: a[:-1]),
        ("neighbour_tracks", lambda a: a[:-1]),
        ("neighbour_tracks", lambda a: a + 30),
        ("neighbour_tracks", lambda a: a - 1),
        ("neighbour_weights", lambda a: a[1:]),
    ],
)
def test_arrays_that_do_not_fit_are_refused(name, change):
    arrays = random_neighbours().arrays()
    arrays[name] = change(arrays[name])
    with pytest.raises(DataError, match="do not fit together"):
        ItemNeighbours.of(arrays)
