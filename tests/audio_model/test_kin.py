"""Who belongs together, worked out by hand."""

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st

from audio_model.kin import Kin, label_codes
from data.errors import ParameterError

# Tracks 0..4. An artist has 0 and 1, an album has 1 and 3; people who play 0 play 4.
ARTISTS, ALBUMS = np.array([3, 3, -1, -1, -1]), np.array([-1, 6, -1, 6, -1])
NEAR = sp.csr_matrix(([True, True], ([0, 4], [4, 0])), shape=(5, 5))


def pairs(kin: Kin, tracks: list[int]) -> set[tuple[int, int]]:
    found = kin.among(np.array(tracks))
    assert found.dtype == np.bool_
    np.testing.assert_array_equal(found, found.T)
    return {(tracks[i], tracks[j]) for i, j in zip(*np.nonzero(found), strict=True) if i < j}


def test_codes_do_not_depend_on_spelling():
    assert label_codes(["b", None, " B", "", "a"]).tolist() == [1, -1, 1, -1, 0]


def test_labels_and_neighbours_are_one_relation():
    everyone = [0, 1, 2, 3, 4]
    assert pairs(Kin((ARTISTS,)), everyone) == {(0, 1)}
    assert pairs(Kin((ARTISTS, ALBUMS)), everyone) == {(0, 1), (1, 3)}
    both = Kin((ARTISTS, ALBUMS), NEAR)
    assert pairs(both, everyone) == {(0, 1), (1, 3), (0, 4)}
    assert pairs(both, [4, 3, 0]) == {(4, 0)}
    assert pairs(Kin(), everyone) == set()


def test_each_belongs_to_itself_and_the_unknown_to_nobody_else():
    np.testing.assert_array_equal(Kin((ARTISTS,)).among(np.array([2, 3, 4])), np.eye(3))


def test_some_of_the_tracks_are_numbered_anew():
    some = Kin((ARTISTS, ALBUMS), NEAR).take(np.array([4, 1, 3, 0]))
    assert pairs(some, [0, 1, 2, 3]) == {(1, 3), (1, 2), (0, 3)}


@given(st.integers(2, 30), st.integers(0, 2**32 - 1))
def test_neighbours_follow_one_another(n, seed):
    rng = np.random.default_rng(seed)
    upper = np.triu(rng.random((n, n)) < 0.1, k=1)
    kin, order = Kin((), sp.csr_matrix(upper | upper.T)), rng.permutation(n)
    found = kin.in_pairs(order, rng)
    assert sorted(found.tolist()) == list(range(n))  # each once
    near, left = upper | upper.T, set(range(n))
    place = 0
    while place < n:
        track = int(found[place])
        left.discard(track)
        if near[track, list(left)].any():
            mate = int(found[place + 1])
            assert near[track, mate]
            left.discard(mate)
            place += 1
        place += 1


def test_without_neighbours_the_order_stays():
    order = np.array([2, 0, 1])
    assert Kin((ARTISTS[:3],)).in_pairs(order, np.random.default_rng(0)) is order


def test_the_fingerprint_changes_with_the_relation():
    others = [Kin(), Kin((ARTISTS,)), Kin((ALBUMS,)), Kin((), NEAR), Kin((ARTISTS,), NEAR)]
    assert len({kin.fingerprint for kin in others}) == 5
    assert Kin((ARTISTS.copy(),), NEAR.copy()).fingerprint == others[-1].fingerprint


def test_all_must_be_of_one_length():
    with pytest.raises(ParameterError, match="must be of one length"):
        Kin((ARTISTS[:4],), NEAR)
