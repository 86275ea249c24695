import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from implicit.cpu.als import AlternatingLeastSquares

from cf_model import CFConfig, FoldIn, confidence, confidence_of, gram_matrix
from data.errors import DataError
from data.threads import one_blas_thread


def make_factors(tracks=50, factors=6, seed=3):
    return np.random.default_rng(seed).normal(size=(tracks, factors)).astype(np.float32)


def i32(*values):
    return np.array(values, np.int32)


def f32(*values):
    return np.array(values, np.float32)


def test_two_kinds_of_track_have_the_known_answer():
    # Four even tracks on the first axis, four odd ones on the second: Y'Y = 4 I. A user with
    # two plays of even tracks, of confidence c = 1 + 2 * 3 = 7, has the first equation
    # (4 + 2 * (7 - 1) + 0.5) x = 2 * 7, and 0 on the other axis.
    factors = np.tile(np.eye(2, dtype=np.float32), (4, 1))
    config = CFConfig(factors=2, confidence="linear", alpha=2, regularization=0.5)
    user = FoldIn(factors, config).user(i32(0, 4), f32(3, 3))
    assert user.dtype == np.float32
    np.testing.assert_allclose(user, [14 / 16.5, 0], rtol=1e-6)


@settings(deadline=None, max_examples=50)
@given(
    st.integers(0, 2**32 - 1),
    st.integers(1, 50),
    st.floats(0.01, 50),
    st.sampled_from(["binary", "linear", "log"]),
)
def test_is_the_exact_least_squares_solution(seed, size, regularization, kind):
    rng = np.random.default_rng(seed)
    factors, config = make_factors(), CFConfig(confidence=kind, regularization=regularization)
    tracks = rng.choice(50, size, replace=False).astype(np.int32)
    counts = rng.integers(1, 100, size).astype(np.float32)
    # Ridge regression as an ordinary one: rows scaled by sqrt(c), then sqrt(lambda) I.
    weights, wanted = np.ones(50), np.zeros(50)
    weights[tracks], wanted[tracks] = confidence_of(counts, config), 1
    rows = np.vstack([factors * np.sqrt(weights)[:, None], np.sqrt(regularization) * np.eye(6)])
    target = np.concatenate([wanted * np.sqrt(weights), np.zeros(6)])
    exact = np.linalg.lstsq(rows, target, rcond=None)[0]
    np.testing.assert_allclose(
        FoldIn(factors, config).user(tracks, counts), exact, rtol=1e-4, atol=1e-6
    )


def test_agrees_with_implicit(plays):
    factors, config = make_factors(30, 8), CFConfig(factors=8, regularization=0.7)
    ours = FoldIn(factors, config).users(plays.matrix())
    with one_blas_thread():
        theirs = AlternatingLeastSquares(factors=8, regularization=0.7, alpha=1.0)
        theirs.item_factors = factors
        expected = theirs.recalculate_user(np.arange(40), confidence(plays.matrix(), config))
    np.testing.assert_allclose(ours, expected, rtol=1e-3, atol=1e-5)
    assert not ours[7].any()


def test_users_are_each_user(plays):
    fold_in, calls = FoldIn(make_factors(30), CFConfig()), []
    together = fold_in.users(plays.matrix(), progress=lambda *call: calls.append(call))
    assert together.shape == (40, 6)
    for user in range(40):
        history = plays.history(user)
        np.testing.assert_array_equal(together[user], fold_in.user(history.tracks, history.counts))
    assert calls == [(40, 40, "fold-in")]


def test_nothing_played_gives_zeros():
    fold_in = FoldIn(make_factors(), CFConfig())
    np.testing.assert_array_equal(fold_in.user(i32(), f32()), np.zeros(6))
    assert fold_in.contributions(i32(), f32(), targets=i32(1, 2)).shape == (2, 0)


def test_tracks_without_factors_say_nothing():
    factors = make_factors()
    factors[9] = 0
    fold_in = FoldIn(factors, CFConfig())
    np.testing.assert_array_equal(fold_in.user(i32(9), f32(5)), np.zeros(6))
    np.testing.assert_allclose(
        fold_in.user(i32(3, 9), f32(2, 5)), fold_in.user(i32(3), f32(2)), rtol=1e-6
    )


def test_huge_counts_are_solved_without_loss():
    # In float32 these normal equations are singular to the last digit.
    fold_in = FoldIn(make_factors(), CFConfig(confidence="linear", alpha=40, regularization=0.01))
    user = fold_in.user(i32(1, 2), f32(1e6, 1e6))
    np.testing.assert_allclose(make_factors()[[1, 2]] @ user, [1, 1], atol=1e-4)


def test_contributions_add_up_to_the_scores(plays):
    fold_in, history = FoldIn(make_factors(30), CFConfig()), plays.history(3)
    targets = i32(0, 11, 29)
    added = fold_in.contributions(history.tracks, history.counts, targets=targets)
    assert added.shape == (3, history.tracks.size)
    assert added.dtype == np.float32
    scores = make_factors(30)[targets] @ fold_in.user(history.tracks, history.counts)
    np.testing.assert_allclose(added.sum(axis=1), scores, rtol=1e-4, atol=1e-6)


def test_contributions_of_unlike_tracks_are_told_apart():
    # Two axes as above: an odd play adds nothing to an even target.
    factors = np.tile(np.eye(2, dtype=np.float32), (4, 1))
    added = FoldIn(factors, CFConfig()).contributions(i32(0, 1), f32(1, 1), targets=i32(2, 3))
    assert added[0, 0] > 0
    assert added[1, 1] > 0
    np.testing.assert_array_equal(added[[0, 1], [1, 0]], 0)


def test_gram_matrix_may_be_kept(tmp_path):
    factors = make_factors()
    np.save(tmp_path / "items.npy", factors)
    mapped = np.load(tmp_path / "items.npy", mmap_mode="r")
    gram = gram_matrix(mapped)
    np.testing.assert_allclose(gram, factors.T.astype(float) @ factors, rtol=1e-6)
    kept = FoldIn(mapped, CFConfig(), gram=gram)
    computed = FoldIn(factors, CFConfig())
    np.testing.assert_allclose(kept.user(i32(4), f32(1)), computed.user(i32(4), f32(1)), rtol=1e-6)


def test_gram_matrix_is_summed_over_blocks(monkeypatch):
    monkeypatch.setattr("cf_model.foldin._BLOCK", 7)
    factors = make_factors()
    np.testing.assert_allclose(gram_matrix(factors), factors.T @ factors, rtol=1e-4)


@pytest.mark.parametrize(
    ("tracks", "counts", "message"),
    [
        (i32(50), f32(1), "not among the 50"),
        (i32(-1), f32(1), "not among the 50"),
        (i32(1, 2), f32(1), "2 tracks were given with 1 counts"),
        (i32(1), f32(0), "above zero"),
    ],
)
def test_refuses_a_wrong_history(tracks, counts, message):
    with pytest.raises(DataError, match=message):
        FoldIn(make_factors(), CFConfig()).user(tracks, counts)


def test_refuses_shapes_that_do_not_fit():
    with pytest.raises(DataError, match="must be a matrix"):
        FoldIn(np.zeros(3, np.float32), CFConfig())
    with pytest.raises(DataError, match="does not fit"):
        FoldIn(make_factors(), CFConfig(), gram=np.eye(5))
