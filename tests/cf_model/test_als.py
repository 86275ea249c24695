import numpy as np
import pytest
from implicit.cpu.als import AlternatingLeastSquares

from cf_model import ALSModel, CFConfig, confidence, train_als, weight_scale
from cf_model.penalty import rounded
from data.errors import DataError
from data.interactions import Interactions
from data.threads import one_blas_thread
from data.vocabulary import Vocabulary
from tests.cf_model.conftest import make_interactions


def train(interactions, seed=0, threads=1, **settings):
    config = CFConfig(threads=threads, **settings)
    return train_als(interactions, config, rng=np.random.default_rng(seed))


@pytest.mark.parametrize("kind", ["binary", "linear", "log", "bm25"])
@pytest.mark.parametrize("share", [0.1, 0.35])
@pytest.mark.parametrize("power", [0, 0.5, 1])
def test_checkerboard_has_the_known_answer(checkerboard, kind, share, power):
    # The even half is a block of a x b pairs of confidence c. A constant score z there costs
    # ab c (1 - z)^2 + 2 penalty z sqrt(ab) (the least |x|^2 + |y|^2 for it), lowest at
    # z = 1 - penalty / (c sqrt(ab)); and the scale of both halves is 2ab c / sqrt(2a 2b)
    # = c sqrt(ab). So z = 1 - share, whatever the confidence; the other pairs stay at 0.
    # With a power, users have the penalty penalty b^power and tracks penalty a^power, the least
    # cost is 2 penalty z sqrt(ab)^(1 + power), the scale c sqrt(ab) / sqrt(ab)^power: z as before.
    settings = {"alpha": 8, "regularization": share, "frequency_power": power, "iterations": 60}
    model = train(checkerboard, factors=2, confidence=kind, **settings)
    played = checkerboard.matrix().toarray() > 0
    scores = model.user_factors @ model.item_factors.T
    np.testing.assert_allclose(scores, np.where(played, 1 - share, 0), atol=2e-3)


def test_missing_squares_of_the_checkerboard_are_recommended(checkerboard):
    plays = checkerboard.matrix().toarray()
    plays[np.arange(12), np.arange(12) % 8] = 0  # each user loses one track of their colour
    model = train(make_interactions(plays), factors=2, iterations=40)
    scores = np.where(plays > 0, -np.inf, model.user_factors @ model.item_factors.T)
    np.testing.assert_array_equal(scores.argmax(axis=1), np.arange(12) % 8)


def test_users_and_tracks_without_plays_have_zero_factors(plays):
    model = train(plays, factors=8)
    assert model.user_factors.shape == (40, 8)
    assert model.item_factors.shape == (30, 8)
    assert model.user_factors.dtype == model.item_factors.dtype == np.float32
    assert np.flatnonzero(~model.user_factors.any(axis=1)).tolist() == [7]
    assert np.flatnonzero(~model.item_factors.any(axis=1)).tolist() == [11]


def test_same_seed_same_factors_whatever_the_threads(plays):
    models = [train(plays, factors=16, threads=threads) for threads in (1, 2, 2, 4, 0)]
    for model in models[1:]:
        np.testing.assert_array_equal(model.user_factors, models[0].user_factors)
        np.testing.assert_array_equal(model.item_factors, models[0].item_factors)
    other = train(plays, seed=1, factors=16)
    assert not np.array_equal(other.item_factors, models[0].item_factors)


@pytest.mark.parametrize("factors", [8, 64])
def test_without_a_power_it_is_what_implicit_trains(plays, factors):
    config = CFConfig(factors=factors, iterations=3, regularization=0.2, frequency_power=0)
    model = train_als(plays, config, rng=np.random.default_rng(4))
    weights = confidence(plays.matrix(), config)
    with one_blas_thread():
        theirs = AlternatingLeastSquares(
            factors=factors,
            regularization=0.2 * weight_scale(weights),
            alpha=1.0,
            iterations=3,
            random_state=np.random.default_rng(4),
        )
        theirs.fit(weights, show_progress=False)
    np.testing.assert_allclose(
        model.user_factors @ model.item_factors.T,
        theirs.user_factors @ theirs.item_factors.T,
        atol=1e-4,
    )


def test_more_iterations_lower_the_objective(plays):
    def objective(model):
        weights = confidence(plays.matrix(), model.config).toarray()
        played = weights > 0
        errors = played - model.user_factors @ model.item_factors.T
        loss = (np.where(played, weights, 1) * errors**2).sum()
        users, tracks = (rounded(played.sum(axis=axis)) for axis in (1, 0))
        power = model.config.frequency_power
        size = (users**power @ (model.user_factors**2).sum(axis=1)) / model.scale
        size += (tracks**power @ (model.item_factors**2).sum(axis=1)) * model.scale
        return loss + model.config.regularization * model.scale * size

    losses = [objective(train(plays, factors=6, iterations=i)) for i in (1, 2, 4, 16)]
    assert losses == sorted(losses, reverse=True)
    zero = confidence(plays.matrix(), CFConfig()).data.sum()  # what all-zero factors cost
    assert losses[-1] < 0.9 * zero


@pytest.mark.parametrize("power", [0, 0.5, 1, 2])
def test_scale_is_a_lower_bound_of_the_largest_singular_value(plays, power):
    weights = confidence(plays.matrix(), CFConfig()).toarray()
    users, tracks = (rounded((weights > 0).sum(axis=axis)) for axis in (1, 0))
    scaled = weights / np.sqrt(np.outer(users, tracks).astype(float) ** power)
    scale = weight_scale(confidence(plays.matrix(), CFConfig()), power)
    assert 0 < scale <= np.linalg.norm(scaled, 2)


def test_rounding_is_to_the_nearest_ratio():
    assert rounded(np.array([0, 1, 2, 3, 5, 6, 11, 12, 1000])).tolist() == [
        1, 1, 2, 4, 4, 8, 8, 16, 1024,
    ]  # fmt: skip


def test_scale_counts_only_users_and_tracks_with_plays():
    weights = confidence(
        make_interactions(np.array([[1.0, 1, 0], [0, 1, 0], [0, 0, 0]])).matrix(),
        CFConfig(confidence="binary", alpha=1),
    )
    assert weight_scale(weights) == pytest.approx(3 * 2 / np.sqrt(2 * 2))
    # Users have 2 and 1 pairs, tracks 1 and 2.
    assert weight_scale(weights, 1) == pytest.approx(3 * 2 / 3)
    assert weight_scale(weights, 2) == pytest.approx(3 * 2 / 5)


def test_reports_every_iteration(plays):
    calls = []
    train_als(
        plays,
        CFConfig(factors=2, iterations=3),
        rng=np.random.default_rng(0),
        progress=lambda *call: calls.append(call),
    )
    assert calls == [(1, 3, "als"), (2, 3, "als"), (3, 3, "als")]


def test_goes_on_from_where_another_training_ended(plays):
    full = train(plays, factors=6, iterations=40)
    again = train(plays, seed=9, factors=6, iterations=40)
    config = CFConfig(factors=6, iterations=1)
    warm = train_als(plays, config, rng=np.random.default_rng(9), start=full)
    pair = (full.user_factors, full.item_factors)
    same = train_als(plays, config, rng=np.random.default_rng(1), start=pair)
    np.testing.assert_array_equal(warm.item_factors, same.item_factors)
    np.testing.assert_array_equal(full.item_factors, pair[1])  # what was given is left alone
    near = abs(warm.item_factors - full.item_factors).max()
    far = abs(again.item_factors - full.item_factors).max()
    assert near < 0.02 * far


def test_what_is_new_since_the_start_is_learnt(plays):
    old = plays.select((plays.user != 3) & (plays.track != 5))
    config = CFConfig(factors=6, iterations=4)
    start = train_als(old, config, rng=np.random.default_rng(0))
    assert not start.user_factors[3].any()
    assert not start.item_factors[5].any()
    model = train_als(plays, config, rng=np.random.default_rng(0), start=start)
    assert model.user_factors[3].any()
    assert model.item_factors[5].any()
    assert not model.user_factors[7].any()


def test_refuses_a_start_of_another_shape(plays):
    start = (np.zeros((40, 3), np.float32), np.zeros((30, 3), np.float32))
    with pytest.raises(DataError, match=r"40 users and 30 tracks, 4 wide.*\(40, 3\)"):
        train_als(plays, CFConfig(factors=4), rng=np.random.default_rng(0), start=start)


def test_refuses_to_learn_from_nothing():
    none = Interactions(Vocabulary(["u"]), Vocabulary(["t"]), *(np.empty(0) for _ in range(4)))
    with pytest.raises(DataError, match="no plays to learn from"):
        train(none)


def test_overflow_is_one_clear_error(plays):
    with pytest.raises(DataError, match="Raise `regularization`"):
        train(plays, factors=2, confidence="linear", alpha=1e36)


def test_one_pair_is_enough():
    model = train(
        make_interactions(np.array([[2.0]])), factors=3, iterations=40, regularization=0.3
    )
    # One block of 1 x 1: the score is 1 - regularization, as on the checkerboard.
    assert (model.user_factors @ model.item_factors.T)[0, 0] == pytest.approx(0.7, abs=1e-3)


def test_model_refuses_factors_that_do_not_fit():
    with pytest.raises(DataError, match=r"\(2, 3\) and \(4, 2\)"):
        ALSModel(np.zeros((2, 3), np.float32), np.zeros((4, 2), np.float32), CFConfig())
    with pytest.raises(DataError, match="finite"):
        ALSModel(np.full((1, 2), np.nan, np.float32), np.zeros((4, 2), np.float32), CFConfig())
