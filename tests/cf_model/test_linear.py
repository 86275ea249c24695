"""EASE against its definition, by tracks and by users."""

import numpy as np
import pytest
import scipy.sparse as sp

from cf_model import linear
from cf_model.linear import binary, linear_by_penalty, train_linear
from data.errors import DataError, ParameterError


def plays(n_users: int, n_tracks: int) -> sp.csr_matrix:
    rng = np.random.default_rng(3)
    dense = (rng.random((n_users, n_tracks)) < 0.3) * rng.integers(1, 9, (n_users, n_tracks))
    return sp.csr_matrix(dense.astype(np.float32))


def by_definition(x: np.ndarray, penalty: float) -> np.ndarray:
    """Solve each column by itself: least squares on all other tracks (a diagonal of zero)."""
    n = x.shape[1]
    b = np.zeros((n, n))
    for j in range(n):
        others = np.arange(n) != j
        a = x[:, others]
        b[others, j] = np.linalg.solve(a.T @ a + penalty * np.eye(n - 1), a.T @ x[:, j])
    return b


@pytest.mark.parametrize("shape", [(30, 8), (8, 30)], ids=["few tracks", "few users"])
def test_weights_are_least_squares_without_the_track_itself(shape):
    x = plays(*shape)
    dense = binary(x).toarray().astype(np.float64)
    tracks = np.array([0, 5, 3], np.int32)
    expected = (dense @ by_definition(dense, 2.5))[:, tracks]

    found = train_linear(x, penalty=2.5).scores(x, tracks)

    np.testing.assert_allclose(found, expected, atol=1e-4)
    assert found.dtype == np.float32


@pytest.mark.parametrize("shape", [(30, 8), (8, 30)], ids=["few tracks", "few users"])
def test_one_penalty_leaves_nothing_for_the_next(shape):
    x = plays(*shape)
    tracks = np.arange(shape[1], dtype=np.int32)
    solve = linear_by_penalty(x)
    for penalty in (1.0, 9.0, 1.0):
        expected = train_linear(x, penalty=penalty).scores(x, tracks)
        np.testing.assert_array_equal(solve(penalty).scores(x, tracks), expected)


def test_a_history_that_training_never_saw():
    x = plays(6, 20)
    new = sp.csr_matrix((np.ones(2, np.float32), ([0, 0], [1, 4])), shape=(1, 20))
    dense = binary(x).toarray().astype(np.float64)
    expected = new.toarray() @ by_definition(dense, 1.0)

    found = train_linear(x, penalty=1.0).scores(new, np.arange(20, dtype=np.int32))

    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_a_track_that_nobody_played_scores_zero():
    x = plays(5, 9).tolil()
    x[:, 4] = 0
    model = train_linear(x.tocsr(), penalty=1.0)
    scores = model.scores(x.tocsr(), np.array([4], np.int32))
    assert not scores.any()


def test_too_large(monkeypatch):
    monkeypatch.setattr(linear, "LARGEST", 4)
    with pytest.raises(DataError, match="6 users and 7 tracks is too large"):
        train_linear(plays(6, 7), penalty=1.0)


def test_the_penalty_must_be_above_zero():
    with pytest.raises(ParameterError, match="penalty"):
        train_linear(plays(3, 3), penalty=0)
