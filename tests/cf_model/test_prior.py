from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cf_model.prior import ContentPrior, PriorConfig
from cf_model.prior.training import LEAST_TRACKS, _axes, _folds, learnable, train_prior
from data.errors import DataError
from tests.cf_model.prior_world import FACTORS, TRACKS, WIDTH, make_world

CONFIG = PriorConfig(landmarks=64)
COLD = np.arange(TRACKS) >= TRACKS - 50


def learn(embeddings, items, users, *, seed=0, **options):
    rng = np.random.default_rng(seed)
    return train_prior(embeddings, items, users, config=CONFIG, rng=rng, **options)


@pytest.fixture
def world():
    return make_world()


@pytest.fixture
def prior(world):
    embeddings, items, users = world
    return learn(embeddings, np.where(COLD[:, None], 0, items).astype(np.float32), users)


def test_factors_of_tracks_that_training_never_saw_are_foretold(prior, world):
    embeddings, items, _ = world
    factors, uncertainty = prior.predict(embeddings[COLD])
    assert factors.dtype == uncertainty.dtype == np.float32
    # cos(2 x) is no linear function of the sound, so that a linear map would miss it by 0.5.
    assert np.mean((factors - items[COLD]) ** 2) < 0.02


def test_shuffled_sound_foretells_nothing(world):
    embeddings, items, users = world
    dealt = np.random.default_rng(1).permutation(embeddings)
    known = np.where(COLD[:, None], 0, items).astype(np.float32)
    factors, _ = learn(dealt, known, users).predict(dealt[COLD])
    errors = np.mean((factors - items[COLD]) ** 2, axis=0)
    # The mean factor is all that is left to say.
    np.testing.assert_allclose(errors, items[COLD].var(axis=0), rtol=0.2, atol=0.02)


def test_a_track_without_sound_has_zeros_and_the_error_of_zeros(prior, world):
    embeddings, items, users = world
    factors, uncertainty = prior.predict(np.vstack([embeddings[:1], np.zeros((2, WIDTH))]))
    assert not factors[1:].any()
    scores = items[~COLD] @ users.T
    np.testing.assert_allclose(uncertainty[1:], (scores**2).mean(), rtol=1e-4)
    assert uncertainty[0] < uncertainty[1]


def test_uncertainty_is_the_error_that_is_found():
    # A quarter of the tracks is left out; the error there is what the others led to expect.
    embeddings, items, users = make_world(seed=4, noise=0.5)
    out = np.arange(TRACKS) % 4 == 0
    prior = learn(embeddings, np.where(out[:, None], 0, items).astype(np.float32), users)
    factors, uncertainty = prior.predict(embeddings[out])
    errors = (((factors - items[out]) @ users.T) ** 2).mean(axis=1)
    assert uncertainty.mean() == pytest.approx(errors.mean(), rel=0.25)


def test_uncertainty_is_higher_where_errors_are():
    # The louder half is heard by many; its factors are longer, and further off.
    embeddings, items, users = make_world(seed=5, noise=0.0)
    rng = np.random.default_rng(5)
    length = np.exp(1.5 * items[:, 1:2]) * rng.lognormal(0, 0.5, (TRACKS, 1))
    loud = (length * np.array([1, 1, 2])).astype(np.float32)
    prior = learn(embeddings, np.where(COLD[:, None], 0, loud).astype(np.float32), users)
    factors, uncertainty = prior.predict(embeddings[COLD])
    errors = (((factors - loud[COLD]) @ users.T) ** 2).mean(axis=1)
    ranks = [np.argsort(np.argsort(values)) for values in (uncertainty, errors)]
    assert np.corrcoef(*ranks)[0, 1] > 0.5


def test_nothing_but_the_direction_of_an_embedding_counts(prior, world):
    embeddings = world[0][:5]
    louder = (embeddings * np.array([[1], [2], [3], [0.1], [10]])).astype(np.float32)
    for got, expected in zip(prior.predict(louder), prior.predict(embeddings), strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-3, atol=1e-4)


def test_a_track_is_foretold_the_same_alone_and_in_blocks(prior, world, monkeypatch):
    together = prior.predict(world[0])
    monkeypatch.setattr("cf_model.prior.model._BLOCK", 7)
    for got, expected in zip(prior.predict(world[0]), together, strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-5)


def test_many_tracks_are_learnt_from_in_blocks(world, monkeypatch):
    together = learn(*world).predict(world[0])
    monkeypatch.setattr("cf_model.prior.training._COMPARED", TRACKS)  # all in one: the same
    for got, expected in zip(learn(*world).predict(world[0]), together, strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-5)
    monkeypatch.setattr("cf_model.prior.training._COMPARED", TRACKS // 3 + 1)
    factors, _ = learn(*world).predict(world[0])
    # The penalty is chosen by a part of them now; what it is applied to is all of them.
    apart = np.linalg.norm(factors - together[0]) / np.linalg.norm(together[0])
    assert apart < 0.1


def test_the_same_seed_gives_the_same_prior(world):
    one, two, other = (learn(*world, seed=seed).arrays() for seed in (3, 3, 4))
    for name, array in one.items():
        np.testing.assert_array_equal(array, two[name])
    assert (one["landmarks"] != other["landmarks"]).any()


def test_a_turn_of_the_factor_space_changes_no_score(world):
    # ALS is only known up to such a turn, so nothing may depend on it.
    embeddings, items, users = world
    turn = np.linalg.qr(np.random.default_rng(2).normal(size=(FACTORS, FACTORS)))[0]
    turn = turn.astype(np.float32)
    straight, turned = (
        learn(embeddings, items, users),
        learn(embeddings, items @ turn, users @ turn),
    )
    (a, u), (b, v) = straight.predict(embeddings), turned.predict(embeddings)
    np.testing.assert_allclose(a @ users.T, b @ turn.T @ users.T, atol=1e-2)
    np.testing.assert_allclose(u, v, rtol=1e-2)


def test_users_without_plays_change_nothing(world):
    embeddings, items, users = world
    more = np.vstack([users, np.zeros((40, FACTORS), np.float32)])
    with_more = learn(embeddings, items, more).arrays()
    for name, array in learn(embeddings, items, users).arrays().items():
        np.testing.assert_allclose(with_more[name], array, rtol=1e-5)


def test_a_prior_is_arrays_that_can_be_kept(prior, world, tmp_path):
    for name, array in prior.arrays().items():
        assert array.dtype == np.float32
        np.save(tmp_path / f"{name}.npy", array)
    kept = {
        path.stem: np.load(path, mmap_mode="r", allow_pickle=False)
        for path in tmp_path.glob("*.npy")
    }
    again = ContentPrior.of(kept).predict(world[0])
    for got, expected in zip(again, prior.predict(world[0]), strict=True):
        np.testing.assert_array_equal(got, expected)


def test_a_prior_that_is_not_whole_is_refused(prior):
    arrays = prior.arrays()
    missing = {name: array for name, array in arrays.items() if name != "noise"}
    with pytest.raises(DataError, match=r"lacks `noise`\. Train again"):
        ContentPrior.of(missing)
    with pytest.raises(DataError, match="`weights` of a content prior must be finite"):
        replace(prior, weights=prior.weights[:, :2])
    with pytest.raises(DataError, match="`offset`"):
        replace(prior, offset=np.full_like(prior.offset, np.nan))


def test_embeddings_of_another_width_are_refused(prior):
    with pytest.raises(DataError, match=r"rows of 6 numbers.*Received: \(2, 5\)"):
        prior.predict(np.ones((2, 5), np.float32))


def test_it_takes_some_tracks_to_learn_from(world):
    embeddings, items, users = world
    few = items.copy()
    few[LEAST_TRACKS - 1 :] = 0
    assert learnable(embeddings, few).sum() == LEAST_TRACKS - 1
    with pytest.raises(DataError, match=f"Only {LEAST_TRACKS - 1} tracks"):
        learn(embeddings, few, users)
    few[LEAST_TRACKS - 1] = 1
    assert learn(embeddings, few, users).predict(embeddings)[0].shape == items.shape


@pytest.mark.parametrize("wrong", ["embeddings", "users", "one row"])
def test_shapes_that_do_not_fit_are_refused(world, wrong):
    embeddings, items, users = world
    parts = {
        "embeddings": (embeddings[:-1], items, users),
        "users": (embeddings, items, users[:, :2]),
        "one row": (embeddings, items, users[0]),
    }
    with pytest.raises(DataError, match="one row a track"):
        learn(*parts[wrong])


def test_tracks_that_all_sound_the_same_have_the_mean_factor(world):
    embeddings, items, users = world
    same = np.tile(embeddings[:1], (TRACKS, 1))
    factors, _ = learn(same, items, users).predict(same)
    np.testing.assert_allclose(factors, np.tile(items.mean(axis=0), (TRACKS, 1)), atol=1e-3)


def test_artists_are_left_out_whole():
    rows = np.array([0, 2, 3, 5, 6, 7])
    artists = np.array([4, 9, 4, -1, 9, 4, -1, 0], np.int32)
    for seed in range(20):
        fold = _folds(rows, artists, 3, np.random.default_rng(seed))
        assert fold[0] == fold[1] == fold[3]  # tracks 0, 2 and 5 are of artist 4
        # Four groups (artists 4 and 0, and two unknown ones) in three folds.
        assert set(fold.tolist()) == {0, 1, 2}


def test_copies_by_one_artist_fool_the_cross_validation_unless_it_is_told():
    # Each artist has four tracks that sound the same and have one factor, which is pure chance.
    rng = np.random.default_rng(8)
    artists = np.repeat(np.arange(40, dtype=np.int32), 4)
    embeddings = rng.normal(size=(40, 8))[artists].astype(np.float32)
    items = rng.normal(size=(40, 3))[artists].astype(np.float32)
    users = rng.normal(size=(30, 3)).astype(np.float32)
    fooled = learn(embeddings, items, users)
    told = learn(embeddings, items, users, artists=artists)
    new = rng.normal(size=(50, 8)).astype(np.float32)
    assert fooled.predict(new)[1].mean() < told.predict(new)[1].mean()
    # Nothing can be known of a new artist: the error is that of the mean factor.
    assert told.predict(new)[1].mean() == pytest.approx(float(told.unknown[0]), rel=0.2)


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 2**32 - 1), st.integers(1, 8), st.integers(1, 12))
def test_axes_make_the_metric_the_plain_square(seed, factors, users):
    x = np.random.default_rng(seed).normal(size=(users, factors)).astype(np.float32)
    metric = x.T @ x / users
    axes, back = _axes(metric)
    np.testing.assert_allclose(axes @ axes.T, metric, atol=1e-4)
    np.testing.assert_allclose(axes @ back, np.eye(factors), atol=1e-2)
