"""Who is played by the same people, worked out by hand."""

import numpy as np
import pytest
import scipy.sparse as sp

from cf_model.together import played_together
from data.errors import ParameterError

# Six users. Tracks 0 and 1 share users 0..2, tracks 2 and 3 users 3 and 4; everybody plays 4.
PLAYS = np.zeros((6, 6), np.float32)
PLAYS[:3, :2] = 2
PLAYS[3:5, 2:4] = 1
PLAYS[:, 4] = 9  # nobody plays 5


def pairs(**options: int) -> set[tuple[int, int]]:
    found = played_together(sp.csr_matrix(PLAYS), **options)
    assert found.dtype == np.bool_
    assert (found != found.T).nnz == 0
    assert found.diagonal().sum() == 0
    return {(int(i), int(j)) for i, j in zip(*found.nonzero(), strict=True) if i < j}


def test_enough_users_must_play_both():
    assert pairs(fewest=3) == {(0, 1), (0, 4), (1, 4)}
    assert pairs(fewest=2) == {(0, 1), (2, 3), (0, 4), (1, 4), (2, 4), (3, 4)}
    assert pairs(fewest=7) == set()


def test_a_track_that_everybody_plays_is_not_everybodys_neighbour():
    # By cosine 0 and 1 are nearest to each other, as are 2 and 3; 4 is nearest to one of these.
    assert pairs(fewest=2, width=1) == {(0, 1), (2, 3)}


def test_nothing_comes_of_no_plays():
    nothing = played_together(sp.csr_matrix((0, 4), dtype=np.float32))
    assert (nothing.shape, nothing.nnz) == ((4, 4), 0)


def test_numbers_must_be_above_zero():
    for options in ({"fewest": 0}, {"width": 0}):
        with pytest.raises(ParameterError, match="must be a positive integer"):
            pairs(**options)
