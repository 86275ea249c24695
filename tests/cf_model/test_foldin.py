import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from implicit.cpu.als import AlternatingLeastSquares

from cf_model import (
    CFConfig,
    FoldIn,
    TrackFoldIn,
    confidence,
    confidence_of,
    gram_matrix,
    train_als,
)
from cf_model.penalty import rounded
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
    # (4 + 2 * (7 - 1) + penalty) x = 2 * 7, and 0 on the other axis; the penalty is
    # 0.5 * 2 ** power.
    factors = np.tile(np.eye(2, dtype=np.float32), (4, 1))
    for power, penalty in ((0, 0.5), (1, 1.0), (2, 2.0)):
        config = CFConfig(confidence="linear", alpha=2, regularization=0.5, frequency_power=power)
        user = FoldIn(factors, config).user(i32(0, 4), f32(3, 3))
        assert user.dtype == np.float32
        np.testing.assert_allclose(user, [14 / (16 + penalty), 0], rtol=1e-6)


@settings(deadline=None, max_examples=50)
@given(
    st.integers(0, 2**32 - 1),
    st.integers(1, 50),
    st.floats(0.01, 50),
    st.sampled_from(["binary", "linear", "log", "bm25"]),
    st.floats(0, 1.5),
    st.booleans(),
)
def test_is_the_exact_least_squares_solution(seed, size, regularization, kind, power, pulled):
    rng = np.random.default_rng(seed)
    factors = make_factors()
    config = CFConfig(confidence=kind, regularization=regularization, frequency_power=power)
    prior = rng.normal(size=6).astype(np.float32) if pulled else np.zeros(6, np.float32)
    tracks = rng.choice(50, size, replace=False).astype(np.int32)
    counts = rng.integers(1, 100, size).astype(np.float32)
    # Ridge regression as an ordinary one: rows scaled by sqrt(c), then sqrt(penalty) I.
    weights, wanted = np.ones(50), np.zeros(50)
    weights[tracks], wanted[tracks] = confidence_of(counts, config), 1
    root = np.sqrt(regularization * rounded(np.array(size)) ** power)
    rows = np.vstack([factors * np.sqrt(weights)[:, None], root * np.eye(6)])
    target = np.concatenate([wanted * np.sqrt(weights), root * prior])
    exact = np.linalg.lstsq(rows, target, rcond=None)[0]
    fold_in = FoldIn(factors, config)
    one = fold_in.user(tracks, counts, prior=prior if pulled else None)
    np.testing.assert_allclose(one, exact, rtol=1e-4, atol=1e-5)
    matrix = sp.csr_matrix((counts, (np.zeros(size, int), tracks)), shape=(1, 50))
    many = fold_in.users(matrix, priors=prior[None] if pulled else None)
    np.testing.assert_allclose(many[0], exact, rtol=1e-4, atol=1e-5)


def test_agrees_with_implicit(plays):
    factors = make_factors(30, 8)
    config = CFConfig(factors=8, regularization=0.7, frequency_power=0)
    ours = FoldIn(factors, config).users(plays.matrix())
    with one_blas_thread():
        theirs = AlternatingLeastSquares(factors=8, regularization=0.7, alpha=1.0)
        theirs.item_factors = factors
        expected = theirs.recalculate_user(np.arange(40), confidence(plays.matrix(), config))
    np.testing.assert_allclose(ours, expected, rtol=1e-3, atol=1e-5)
    assert not ours[7].any()


@pytest.mark.parametrize("factors", [3, 6, 40])  # fewer and more than a user's plays
@pytest.mark.parametrize("pulled", [False, True])
def test_users_are_each_user(plays, factors, pulled):
    fold_in, calls = FoldIn(make_factors(30, factors), CFConfig()), []
    priors = make_factors(40, factors, seed=8) if pulled else None
    together = fold_in.users(
        plays.matrix(), priors=priors, progress=lambda *call: calls.append(call)
    )
    assert together.shape == (40, factors)
    assert together.dtype == np.float32
    for user in range(40):
        history = plays.history(user)
        prior = None if priors is None else priors[user]
        alone = fold_in.user(history.tracks, history.counts, prior=prior)
        np.testing.assert_allclose(together[user], alone, rtol=1e-4, atol=1e-6)
    assert calls == sorted(calls)
    assert calls[-1] == (40, 40, "fold-in")
    assert not plays.history(7).tracks.size
    np.testing.assert_array_equal(together[7], 0 if priors is None else priors[7])


def test_users_do_not_depend_on_the_threads(plays):
    folded = [
        FoldIn(make_factors(30), CFConfig(threads=threads)).users(plays.matrix())
        for threads in (1, 2, 4)
    ]
    np.testing.assert_array_equal(folded[1], folded[0])
    np.testing.assert_array_equal(folded[2], folded[0])


def test_many_users_without_plays(plays):
    calls = []
    none = FoldIn(make_factors(30), CFConfig()).users(
        sp.csr_matrix((3, 30), dtype=np.float32), progress=lambda *call: calls.append(call)
    )
    np.testing.assert_array_equal(none, np.zeros((3, 6)))
    assert calls == [(3, 3, "fold-in")]


@pytest.mark.parametrize("power", [0.0, 0.5, 1.0])
def test_fold_in_of_a_trained_user_is_the_refit(plays, power):
    # Training to the end: then each side is the exact solution given the other.
    config = CFConfig(factors=4, iterations=400, frequency_power=power, regularization=0.2)
    model = train_als(plays, config, rng=np.random.default_rng(0))
    users = FoldIn(model.item_factors, config).users(plays.matrix())
    np.testing.assert_allclose(users, model.user_factors, rtol=0, atol=2e-3 * abs(users).max())
    fold_in = TrackFoldIn(model.user_factors, config, scale=model.scale)
    by_track = plays.matrix().T.tocsr()
    tracks = fold_in.tracks(by_track)
    np.testing.assert_allclose(tracks, model.item_factors, rtol=0, atol=2e-3 * abs(tracks).max())
    heard = by_track[3]
    alone = fold_in.track(heard.indices, heard.data)
    np.testing.assert_allclose(alone, tracks[3], rtol=1e-4, atol=1e-6)


def test_a_track_moves_from_its_prior_to_its_listeners():
    users = np.tile(np.eye(2, dtype=np.float32), (50, 1))
    config = CFConfig(regularization=0.5, frequency_power=1)
    fold_in = TrackFoldIn(users, config, scale=2.0)
    prior = f32(0, 0.4)  # its sound says: odd users; those who play it are even ones
    alone = [fold_in.track(i32(), f32(), prior=prior)]
    np.testing.assert_array_equal(alone[0], prior)
    for listeners in (1, 5, 25):
        played = 2 * np.arange(listeners, dtype=np.int32)
        alone.append(fold_in.track(played, np.ones(listeners, np.float32), prior=prior))
    shares = [factor[0] for factor in alone]
    assert shares == sorted(shares)
    strong = fold_in.track(i32(0), f32(1), prior=prior, strength=1e6)
    np.testing.assert_allclose(strong, prior, atol=1e-3)
    # One play: confidence c, c + 49 users on the first axis, 50 on the second, penalty 0.5 * 4.
    c = confidence_of(f32(1), config)[0]
    np.testing.assert_allclose(alone[1], [c / (c + 49 + 2), 2 * 0.4 / (50 + 2)], rtol=1e-5)


def test_very_long_histories_are_summed_in_parts(plays, monkeypatch):
    whole = FoldIn(make_factors(30, 3), CFConfig()).users(plays.matrix())
    monkeypatch.setattr("cf_model.exact._PART", 2)
    monkeypatch.setattr("cf_model.normal._PART", 2)
    parts = FoldIn(make_factors(30, 3), CFConfig()).users(plays.matrix())
    np.testing.assert_allclose(parts, whole, rtol=1e-5, atol=1e-7)


def test_nothing_played_gives_zeros():
    fold_in = FoldIn(make_factors(), CFConfig())
    np.testing.assert_array_equal(fold_in.user(i32(), f32()), np.zeros(6))
    assert fold_in.contributions(i32(), f32(), targets=i32(1, 2)).shape == (2, 0)


def test_tracks_without_factors_say_nothing():
    factors = make_factors()
    factors[9] = 0
    fold_in = FoldIn(factors, CFConfig(frequency_power=0))
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
    monkeypatch.setattr("cf_model.normal._PART", 7)
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


def test_refuses_a_wrong_listener_prior_or_strength():
    fold_in = TrackFoldIn(make_factors(), CFConfig(), scale=1.0)
    with pytest.raises(DataError, match="A user is not among the 50"):
        fold_in.track(i32(50), f32(1))
    with pytest.raises(DataError, match="`strength` must be above zero"):
        fold_in.track(i32(1), f32(1), strength=0.0)
    with pytest.raises(DataError, match=r"shape \(1, 6\).*\(1, 3\)"):
        fold_in.track(i32(1), f32(1), prior=f32(1, 2, 3))


def test_refuses_shapes_that_do_not_fit():
    with pytest.raises(DataError, match="must be a matrix"):
        FoldIn(np.zeros(3, np.float32), CFConfig())
    with pytest.raises(DataError, match="does not fit"):
        FoldIn(make_factors(), CFConfig(), gram=np.eye(5))
