import numpy as np
import pytest

from ranker.features import FEATURES, NAMES
from ranker.linear import train_line
from tests.ranker.models import data_of, line_of, table_of

FREE = "popularity_gap"  # may weigh either way


def trained(table, labels, size, **options):
    data = data_of(table, labels, size)
    return train_line(data.table, data.labels, data.sizes, **options)


def weights_of(line):
    return dict(zip(NAMES, line.weights, strict=True))


def choices(right, wrong):
    """Two candidates a question, of 1 and of 0; of 1 is right so often, and so often wrong."""
    labels = [1, 0] * right + [0, 1] * wrong
    return np.array([1.0, 0.0] * (right + wrong)), labels


def test_scores_are_weighted_distances_from_the_means():
    line = line_of(cf_score=2, age=-1)
    table = table_of(3, cf_score=[1, 3, np.nan], age=[4, np.nan, np.nan], strength=[7, 8, 9])
    np.testing.assert_allclose(line.scores(table), [-2, 6, 0])
    added = line.contributions(table)
    np.testing.assert_allclose(added.sum(axis=1), line.scores(table))
    assert added[0, NAMES.index("age")] == -4


def test_the_weight_of_a_choice_between_two_is_its_log_odds():
    # Of four questions, the candidate of 1 is right in three: exp(w) to 1 as 3 to 1.
    values, labels = choices(300, 100)
    line = trained(table_of(800, popularity_gap=values), labels, 2, penalty=0)
    assert weights_of(line)[FREE] == pytest.approx(np.log(3), abs=1e-3)
    assert line.means[NAMES.index(FREE)] == pytest.approx(0.5)
    assert sum(weight != 0 for weight in line.weights) == 1


def test_a_penalty_makes_weights_smaller():
    values, labels = choices(300, 100)
    table = table_of(800, popularity_gap=values)
    found = [weights_of(trained(table, labels, 2, penalty=p))[FREE] for p in (0, 10, 1000)]
    assert found[0] > found[1] > found[2] > 0


def test_what_may_only_speak_for_a_track_never_speaks_against_it():
    values, labels = choices(100, 300)
    table = table_of(800, popularity_gap=values, cf_score=values)
    found = weights_of(trained(table, labels, 2))
    assert found["cf_score"] == 0
    assert found[FREE] < 0


def test_what_is_the_same_for_a_whole_question_weighs_nothing():
    values, labels = choices(100, 300)
    users = np.repeat(np.random.default_rng(0).random(400), 2)
    table = table_of(800, popularity_gap=values, user_tracks=users, user_plays=users)
    found = weights_of(trained(table, labels, 2))
    assert found["user_tracks"] == found["user_plays"] == 0


def test_a_column_without_spread_or_values_weighs_nothing():
    values, labels = choices(30, 10)
    line = trained(table_of(80, popularity_gap=values, copies=1.0), labels, 2)
    assert {name for name, weight in weights_of(line).items() if weight} == {FREE}
    assert np.isfinite(line.means).all()


def test_trained_weights_are_where_the_slope_of_the_likelihood_is_zero():
    """The slopes are finite differences of the formula, written down once more."""
    rng = np.random.default_rng(3)
    names = ("cf_score", "nearest_play", "popularity_gap", "listeners")
    columns = {name: rng.standard_normal(600) * rng.uniform(0.5, 3) for name in names}
    columns["listeners"][rng.random(600) < 0.3] = np.nan
    truth = columns["cf_score"] + columns["popularity_gap"] - columns["nearest_play"]
    labels = np.zeros((100, 6))
    labels[np.arange(100), (truth + rng.gumbel(size=600)).reshape(100, 6).argmax(axis=1)] = 1
    labels[:20, 0] = 1  # some questions have two right answers
    table, penalty = table_of(600, **columns), 4.0
    found = trained(table, labels.ravel(), 6, penalty=penalty)

    known = np.stack([columns[name] for name in names], axis=1).astype(np.float32)
    filled = np.where(np.isfinite(known), known - np.nanmean(known, axis=0), 0).astype(np.float64)
    scaled = filled / filled.std(axis=0)
    weights = np.array([weights_of(found)[name] for name in names]) * filled.std(axis=0)

    def loss(w):
        scores = (scaled @ w).reshape(100, 6)
        chosen = labels.sum(axis=1)
        likelihood = (labels * scores).sum() - chosen @ np.log(np.exp(scores).sum(axis=1))
        return penalty / 2 * w @ w - likelihood

    steps = np.eye(4) * 1e-4
    slopes = np.array([(loss(weights + s) - loss(weights - s)) / 2e-4 for s in steps])
    free = weights > 0  # a slope at the bound of 0 may rise, and no weight lies below it
    monotone = np.array([FEATURES[NAMES.index(name)].monotone for name in names], bool)
    assert (weights[monotone] >= 0).all()
    assert weights[1] == 0
    assert slopes[1] > 0
    assert np.abs(slopes[free | ~monotone]).max() < 0.05  # of a slope of `before` at no weight
    before = np.array([(loss(s) - loss(-s)) / 2e-4 for s in steps])
    assert np.abs(before[[0, 2]]).min() > 10
