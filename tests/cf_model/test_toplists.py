import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from implicit.cpu.als import AlternatingLeastSquares

from cf_model import best_of_rows, recommend_all
from data.errors import DataError
from data.threads import one_blas_thread

SCORES = hnp.arrays(
    np.float32,
    hnp.array_shapes(min_dims=2, max_dims=2, min_side=0, max_side=90),
    elements=st.sampled_from([-np.inf, -2.0, 0.0, 0.5, 1.0, 7.0]),
)


@settings(deadline=None)
@given(SCORES, st.integers(1, 12))
def test_best_of_rows_is_a_full_sort(scores, n):
    columns, values = best_of_rows(scores, n)
    assert columns.shape == values.shape == (len(scores), n)
    for row, found, value in zip(scores, columns, values, strict=True):
        order = [i for i in np.argsort(-row, kind="stable") if row[i] > -np.inf][:n]
        assert found.tolist() == order + [-1] * (n - len(order))
        np.testing.assert_array_equal(value[: len(order)], row[order])
        assert (value[len(order) :] == -np.inf).all()


def test_best_of_many_columns():
    scores = np.random.default_rng(0).standard_normal((7, 5_000), dtype=np.float32)
    columns, values = best_of_rows(scores, 20)
    np.testing.assert_array_equal(columns, np.argsort(-scores, axis=1)[:, :20])
    np.testing.assert_array_equal(values, -np.sort(-scores, axis=1)[:, :20])


@pytest.fixture
def model():
    rng = np.random.default_rng(1)
    users, items = (rng.standard_normal((size, 8), dtype=np.float32) for size in (70, 400))
    return users, items, sp.random(70, 400, 0.1, format="csr", dtype=np.float32, rng=rng)


def test_all_users_get_what_implicit_recommends(model, monkeypatch):
    monkeypatch.setattr("cf_model.toplists._BUDGET", 400 * 4 * 9)  # nine users a block
    users, items, seen = model
    calls = []
    tracks, scores = recommend_all(
        users, items, seen, n=10, progress=lambda *call: calls.append(call)
    )
    with one_blas_thread():
        theirs = AlternatingLeastSquares(factors=8)
        theirs.user_factors, theirs.item_factors = users, items
        expected, values = theirs.recommend(np.arange(70), seen, N=10)
    np.testing.assert_array_equal(tracks, expected)
    np.testing.assert_allclose(scores, values, rtol=1e-5)
    assert calls[0] == (9, 70, "users")
    assert calls[-1] == (70, 70, "users")


def test_nothing_seen_and_nothing_made_up(model):
    users, items, seen = model
    seen = seen.tolil()
    seen[3] = 1
    seen[3, 5] = 0
    seen = seen.tocsr()
    seen.eliminate_zeros()
    tracks, scores = recommend_all(users, items, seen, n=4)
    assert tracks[3].tolist() == [5, -1, -1, -1]
    assert np.isneginf(scores[3, 1:]).all()
    at, rank = np.nonzero(tracks >= 0)
    assert not np.asarray(seen[at, tracks[at, rank]]).any()


def test_threads_change_nothing(model):
    found = [recommend_all(*model, n=5, threads=threads) for threads in (1, 3)]
    np.testing.assert_array_equal(found[0][0], found[1][0])
    np.testing.assert_array_equal(found[0][1], found[1][1])


def test_refuses_a_matrix_of_others(model):
    with pytest.raises(DataError, match=r"70 users x 400 tracks.*\(69, 400\)"):
        recommend_all(model[0], model[1], model[2][:69], n=3)
