import numpy as np
import pytest

from cf_model import ALSModel, CFConfig, FoldIn, confidence, train_als
from cf_model.penalty import row_penalties
from cf_model.prior import blend_item_factors, start_from_genres
from data.errors import DataError, ParameterError
from tests.cf_model.conftest import make_interactions

CONFIG = CFConfig(factors=5, iterations=30, threads=1, seed=1)


@pytest.fixture
def model(plays):
    return train_als(plays, CONFIG, rng=np.random.default_rng(1))


def predictions(model, seed=0):
    shape = model.item_factors.shape
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def everything(model):
    return np.ones(len(model.item_factors), np.bool_)


def blend(model, plays, predicted, *, known=None, strength=1.0):
    known = everything(model) if known is None else known
    return blend_item_factors(model, plays, predicted, known=known, strength=strength)


@pytest.mark.parametrize("strength", [0.1, 1.0, 10.0])
def test_is_the_exact_least_squares_solution(model, plays, strength):
    # As an ordinary regression: rows scaled by sqrt(c), then the penalty as further rows.
    predicted = predictions(model)
    got = blend(model, plays, predicted, strength=strength)
    weights = confidence(plays.matrix(), CONFIG).toarray()
    for track in (0, 7, 29):
        c = np.where(weights[:, track] > 0, weights[:, track], 1)
        wanted = (weights[:, track] > 0).astype(float)
        n = np.count_nonzero(wanted)
        penalty = strength * model.scale**2 * row_penalties(np.array([n]), CONFIG)[0]
        rows = np.vstack([model.user_factors * np.sqrt(c)[:, None], np.sqrt(penalty) * np.eye(5)])
        target = np.concatenate([np.sqrt(c) * wanted, np.sqrt(penalty) * predicted[track]])
        exact = np.linalg.lstsq(rows, target, rcond=None)[0]
        np.testing.assert_allclose(got[track], exact, rtol=1e-3, atol=1e-4)


def test_each_kind_of_track(model, plays):
    predicted = predictions(model)
    known = np.arange(30) % 2 == 1
    blended = blend(model, plays, predicted, known=known)
    assert blended.dtype == np.float32
    np.testing.assert_array_equal(blended[11], predicted[11])  # nobody has played it
    np.testing.assert_array_equal(blended[~known], model.item_factors[~known])
    moved = known.copy()
    moved[11] = False
    assert (blended[moved] != model.item_factors[moved]).any(axis=1).all()
    unheard = everything(model)
    unheard[11] = False
    assert not blend(model, plays, predicted, known=unheard)[11].any()


def test_without_embeddings_nothing_moves(model, plays):
    nothing = blend(model, plays, predictions(model), known=np.zeros(30, np.bool_))
    np.testing.assert_array_equal(nothing, model.item_factors)
    assert not np.may_share_memory(nothing, model.item_factors)


def test_without_strength_plays_alone_count(model, plays):
    predicted = predictions(model)
    blended = blend(model, plays, predicted, strength=0)
    np.testing.assert_array_equal(np.delete(blended, 11, 0), np.delete(model.item_factors, 11, 0))
    np.testing.assert_array_equal(blended[11], predicted[11])


def test_a_strong_prior_wins(model, plays):
    predicted = predictions(model)
    np.testing.assert_allclose(blend(model, plays, predicted, strength=1e7), predicted, atol=1e-2)


def test_a_prediction_of_zero_is_what_training_finds(model, plays):
    blended = blend(model, plays, np.zeros_like(model.item_factors))
    # Training is at the end of its sweeps, not at the exact solution.
    np.testing.assert_allclose(blended, model.item_factors, rtol=0.05, atol=0.01)


def test_the_more_plays_the_less_the_prior_counts():
    # Track t is played by the first 2^t of 64 users, who are all alike: x = 1, and X'X = 64. With
    # confidence c = 3 and penalty 0.1, (64 + m (c - 1) + 0.1) y = m c + 0.1 mu.
    plays = make_interactions((np.arange(64)[:, None] < 2 ** np.arange(7)).astype(float))
    config = CFConfig(
        factors=1, alpha=2, confidence="binary", regularization=0.1, frequency_power=0
    )
    model = ALSModel(np.ones((64, 1), np.float32), np.ones((7, 1), np.float32), config)
    m = 2.0 ** np.arange(7)
    high, low = (blend(model, plays, np.full((7, 1), mu, np.float32))[:, 0] for mu in (1000.0, 0.0))
    np.testing.assert_allclose(low, m * 3 / (64.1 + m * 2), rtol=1e-5)
    np.testing.assert_allclose(high, (m * 3 + 100) / (64.1 + m * 2), rtol=1e-5)
    assert (np.diff(high - low) < 0).all()


def test_predictions_of_another_shape_are_refused(model, plays):
    with pytest.raises(DataError, match="do not fit factors"):
        blend(model, plays, predictions(model)[:, :3])
    with pytest.raises(DataError, match="do not fit factors"):
        blend(model, plays, predictions(model), known=np.ones(3, np.bool_))


def test_a_genre_is_its_most_played_tracks():
    listeners = np.array([5, 0, 9, 2, 9, 1], np.float32)
    rock, jazz = np.array([0, 1, 2, 3], np.int32), np.array([2, 4, 5], np.int32)
    tracks, counts = start_from_genres([rock, jazz], listeners, most=2)
    # Rock: tracks 2 (9) and 0 (5), half a play each; jazz: 2 (the first of two nines) and 4.
    np.testing.assert_array_equal(tracks, [0, 2, 4])
    np.testing.assert_array_equal(counts, [0.5, 1.0, 0.5])
    assert tracks.dtype == np.int32
    assert counts.dtype == np.float32


def test_what_nobody_plays_is_no_start():
    listeners = np.array([0, 0, 3], np.float32)
    for genres in ([], [np.array([0, 1], np.int32)], [np.array([], np.int32)]):
        tracks, counts = start_from_genres(genres, listeners)
        assert tracks.size == counts.size == 0
    with pytest.raises(ParameterError, match="`most`"):
        start_from_genres([], listeners, most=0)


def test_a_genre_leads_to_its_tracks(checkerboard):
    # Even tracks are of one genre, which half of the users play.
    config = CFConfig(factors=2, iterations=20)
    model = train_als(checkerboard, config, rng=np.random.default_rng(0))
    listeners = np.full(8, 6, np.float32)
    even = np.arange(0, 8, 2, dtype=np.int32)
    user = FoldIn(model.item_factors, config).user(*start_from_genres([even], listeners, most=2))
    scores = model.item_factors @ user
    assert scores[even].min() > scores[even + 1].max()
