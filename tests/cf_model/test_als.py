import implicit.utils
import numpy as np
import pytest
from implicit.recommender_base import ModelFitError

from cf_model import ALSModel, CFConfig, FoldIn, confidence, train_als, weight_scale
from cf_model import als as als_module
from data.errors import DataError
from data.interactions import Interactions
from data.vocabulary import Vocabulary
from tests.cf_model.conftest import make_interactions


def train(interactions, seed=0, threads=1, **settings):
    config = CFConfig(threads=threads, **settings)
    return train_als(interactions, config, rng=np.random.default_rng(seed))


@pytest.mark.parametrize("kind", ["binary", "linear", "log"])
@pytest.mark.parametrize("share", [0.1, 0.35])
def test_checkerboard_has_the_known_answer(checkerboard, kind, share):
    # The even half is a block of a x b pairs of confidence c. A constant score z there costs
    # ab c (1 - z)^2 + 2 penalty z sqrt(ab) (the least |x|^2 + |y|^2 for it), lowest at
    # z = 1 - penalty / (c sqrt(ab)); and the scale of both halves is 2ab c / sqrt(2a 2b)
    # = c sqrt(ab). So z = 1 - share, whatever the confidence; the other pairs stay at 0.
    model = train(checkerboard, factors=2, confidence=kind, regularization=share, iterations=60)
    played = checkerboard.matrix().toarray() > 0
    scores = model.user_factors @ model.item_factors.T
    np.testing.assert_allclose(scores, np.where(played, 1 - share, 0), atol=2e-3)


def test_missing_squares_of_the_checkerboard_are_recommended(checkerboard):
    plays = checkerboard.matrix().toarray()
    plays[np.arange(12), np.arange(12) % 8] = 0  # each user loses one track of their colour
    model = train(make_interactions(plays), factors=2)
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


def test_converges_to_the_normal_equations_of_both_sides(plays):
    model = train(plays, factors=4, iterations=300)
    users = FoldIn(model.item_factors, model.config).users(plays.matrix())
    np.testing.assert_allclose(users, model.user_factors, rtol=0, atol=2e-3 * abs(users).max())
    penalty = model.config.regularization * model.scale**2
    config = model.config.model_copy(update={"regularization": penalty})
    items = FoldIn(model.user_factors, config).users(plays.matrix().T.tocsr())
    np.testing.assert_allclose(items, model.item_factors, rtol=0, atol=2e-3 * abs(items).max())


def test_more_iterations_lower_the_objective(plays):
    def objective(model):
        weights = confidence(plays.matrix(), model.config).toarray()
        played = weights > 0
        errors = played - model.user_factors @ model.item_factors.T
        loss = (np.where(played, weights, 1) * errors**2).sum()
        size = (model.user_factors**2).sum() / model.scale
        size += (model.item_factors**2).sum() * model.scale
        return loss + model.config.regularization * model.scale * size

    losses = [objective(train(plays, factors=6, iterations=i)) for i in (1, 2, 4, 16)]
    assert losses == sorted(losses, reverse=True)
    zero = confidence(plays.matrix(), CFConfig()).data.sum()  # what all-zero factors cost
    assert losses[-1] < 0.9 * zero


def test_scale_is_a_lower_bound_of_the_largest_singular_value(plays):
    weights = confidence(plays.matrix(), CFConfig())
    assert 0 < weight_scale(weights) <= np.linalg.norm(weights.toarray(), 2)


def test_scale_counts_only_users_and_tracks_with_plays():
    weights = confidence(
        make_interactions(np.array([[1.0, 1, 0], [0, 1, 0], [0, 0, 0]])).matrix(),
        CFConfig(confidence="binary", alpha=1),
    )
    assert weight_scale(weights) == pytest.approx(3 * 2 / np.sqrt(2 * 2))


def test_reports_every_iteration(plays):
    calls = []
    train_als(
        plays,
        CFConfig(factors=2, iterations=3),
        rng=np.random.default_rng(0),
        progress=lambda *call: calls.append(call),
    )
    assert calls == [(1, 3, "als"), (2, 3, "als"), (3, 3, "als")]


def test_implicit_finds_blas_on_one_thread(plays, monkeypatch):
    # Its check warns once a process, and warnings are errors here.
    monkeypatch.setattr(implicit.utils, "_checked_blas_config", False)
    train(plays, factors=2, iterations=1)
    assert implicit.utils._checked_blas_config


def test_refuses_to_learn_from_nothing():
    none = Interactions(Vocabulary(["u"]), Vocabulary(["t"]), *(np.empty(0) for _ in range(4)))
    with pytest.raises(DataError, match="no plays to learn from"):
        train(none)


def test_overflow_is_one_clear_error(plays, monkeypatch):
    def overflow(*_args, **_kwargs):
        raise ModelFitError("NaN encountered in factors")

    monkeypatch.setattr(als_module.AlternatingLeastSquares, "fit", overflow)
    with pytest.raises(DataError, match="Raise `regularization`"):
        train(plays, factors=2)


def test_one_pair_is_enough():
    model = train(make_interactions(np.array([[2.0]])), factors=3, iterations=40)
    # One block of 1 x 1: the score is 1 - regularization, as on the checkerboard.
    assert (model.user_factors @ model.item_factors.T)[0, 0] == pytest.approx(0.65, abs=1e-3)


def test_model_refuses_factors_that_do_not_fit():
    with pytest.raises(DataError, match=r"\(2, 3\) and \(4, 2\)"):
        ALSModel(np.zeros((2, 3), np.float32), np.zeros((4, 2), np.float32), CFConfig())
    with pytest.raises(DataError, match="finite"):
        ALSModel(np.full((1, 2), np.nan, np.float32), np.zeros((4, 2), np.float32), CFConfig())
