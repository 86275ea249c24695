import json
from dataclasses import replace

import numpy as np
import pytest

from data.errors import DataError
from ranker.features import NAMES
from ranker.lambdamart import LambdaMART, RankingData, contenders, importances, train_lambdamart
from ranker.learning import LearningConfig
from tests.ranker.models import HALF, data_of, line_of, linear_model, table_of

# All features for each tree: of three that are known, a share of them would part the two.
CONFIG = LearningConfig(
    trees=60, patience=20, rows_in_leaf=10, learning_rate=0.2, feature_fraction=1.0
)
SIZE = 12  # candidates of a question


def questions(seed, many=200):
    """Of young tracks the more popular one is right, of old ones the less popular one."""
    rng = np.random.default_rng(seed)
    gap = rng.standard_normal(many * SIZE)
    old = rng.random(many * SIZE) < 0.4
    worth = np.where(old, -gap, gap).reshape(many, SIZE)
    labels = np.zeros((many, SIZE))
    labels[np.arange(many), worth.argmax(axis=1)] = 1
    noise = rng.random(many * SIZE)
    table = table_of(many * SIZE, popularity_gap=gap, age=old * 100.0, strength=noise)
    return data_of(table, labels.ravel(), SIZE)


@pytest.fixture(scope="module")
def model():
    return train_lambdamart(questions(0), stop=questions(1), config=CONFIG, threads=1)


def right(scores, data):
    """Return how often the highest score is the right one."""
    best = scores.reshape(-1, SIZE).argmax(axis=1)
    return data.labels.reshape(-1, SIZE)[np.arange(len(best)), best].mean()


def test_trees_say_what_no_line_can(model):
    data = questions(2)
    assert right(model.line.scores(data.table), data) < 0.65  # that of the young ones
    assert right(model.scores(data.table), data) > 0.8


def cold_questions(seed, many=60):
    """Nobody has played a candidate; the less popular its kind, the better."""
    rng = np.random.default_rng(seed)
    gap = rng.standard_normal((many, SIZE))
    labels = np.zeros((many, SIZE))
    labels[np.arange(many), gap.argmin(axis=1)] = 1
    table = table_of(many * SIZE, popularity_gap=gap.ravel(), listeners=0, age=0)
    return data_of(table, labels.ravel(), SIZE)


@pytest.fixture(scope="module")
def mixed():
    """Trained on questions about played tracks, where popular ones are right, and on cold ones."""
    data, cold = questions(0), cold_questions(1)
    table = data.table.copy()
    table[:, NAMES.index("listeners")] = 2
    both = RankingData(
        np.concatenate([table, cold.table]),
        np.concatenate([data.labels, cold.labels]),
        np.concatenate([data.sizes, cold.sizes]),
    )
    return train_lambdamart(both, stop=both, config=CONFIG, threads=1)


def test_tracks_that_nobody_has_played_are_put_in_order_by_a_line_of_their_own(mixed):
    assert mixed.of_unplayed is not None
    at = NAMES.index("popularity_gap")
    assert mixed.of_unplayed.weights[at] < 0
    cold = cold_questions(2, many=1).table
    np.testing.assert_array_equal(np.argsort(-mixed.ranked(cold)), np.argsort(cold[:, at]))


def test_among_others_they_stand_where_the_trees_put_them(mixed):
    table = questions(3, many=1).table
    new = np.arange(SIZE) % 3 == 0
    table[:, NAMES.index("listeners")] = np.where(new, 0, 2)
    plain, ranked = mixed.scores(table), mixed.ranked(table)
    np.testing.assert_array_equal(ranked[~new], plain[~new])
    np.testing.assert_array_equal(np.sort(ranked[new]), np.sort(plain[new]))
    by_line = mixed.of_unplayed.scores(table[new])
    np.testing.assert_array_equal(np.argsort(-ranked[new]), np.argsort(-by_line))
    alone = np.array([True] + [False] * (SIZE - 1))
    table[:, NAMES.index("listeners")] = np.where(alone, 0, 2)
    np.testing.assert_array_equal(mixed.ranked(table), mixed.scores(table))  # one has no order


def test_of_few_questions_about_such_tracks_nothing_is_learnt(model):
    assert model.of_unplayed is None  # there was none
    table = cold_questions(2, many=1).table
    np.testing.assert_array_equal(model.ranked(table), model.scores(table))


def test_the_line_of_unplayed_tracks_is_kept(mixed, tmp_path):
    mixed.save(tmp_path / "ranker")
    assert LambdaMART.load(tmp_path / "ranker").of_unplayed == mixed.of_unplayed
    file = tmp_path / "ranker" / "ranker.json"
    about = json.loads(file.read_text())
    del about["of_unplayed"]  # as a version before wrote it
    file.write_text(json.dumps(about))
    assert LambdaMART.load(tmp_path / "ranker").of_unplayed is None


def test_what_is_told_of_a_training(model):
    assert 1 <= model.about["trees"] <= CONFIG.trees
    assert model.about["settings"] == CONFIG.model_dump(mode="json")
    assert model.features == NAMES


def test_scores_are_calibrated_on_other_questions(model):
    data = questions(3)
    found = model.calibration(model.scores(data.table))
    rate = 1 / SIZE
    bound = 4 * np.sqrt(rate * (1 - rate) * 2 / len(found))
    assert abs(found.mean() - rate) < bound


def test_contributions_add_up_to_the_score_less_the_mean_of_the_trees(model):
    table = questions(4, many=20).table
    left = model.scores(table) - model.contributions(table).sum(axis=1)
    np.testing.assert_allclose(left, left[0], atol=1e-6)
    added = model.contributions(table)
    unknown = np.isnan(table).all(axis=0)
    assert not added[:, unknown].any()


def test_the_same_seed_grows_the_same_trees():
    drawn = CONFIG.model_copy(update={"feature_fraction": 0.7, "trees": 10})
    train, stop, table = questions(0, 50), questions(1, 50), questions(2, 20).table
    one, again, other = (
        train_lambdamart(train, stop=stop, config=drawn, seed=seed, threads=threads)
        for seed, threads in ((3, 1), (3, 2), (4, 1))
    )
    np.testing.assert_array_equal(again.scores(table), one.scores(table))
    assert again.calibration == one.calibration
    assert (other.scores(table) != one.scores(table)).any()


def test_what_is_saved_is_what_is_loaded(model, tmp_path):
    model.save(tmp_path / "ranker")
    loaded = LambdaMART.load(tmp_path / "ranker")
    table = questions(2).table
    np.testing.assert_array_equal(loaded.scores(table), model.scores(table))
    assert loaded.calibration == model.calibration
    assert loaded.line == model.line
    assert loaded.about == json.loads(json.dumps(model.about))


def test_other_features_are_refused(model, tmp_path):
    with pytest.raises(DataError, match=r"other features .* Train again"):
        replace(model, features=NAMES[:-1])
    model.save(tmp_path / "ranker")
    file = tmp_path / "ranker" / "ranker.json"
    about = json.loads(file.read_text())
    about["features"][0] = "moon_phase"
    file.write_text(json.dumps(about))
    with pytest.raises(DataError, match="other features"):
        LambdaMART.load(tmp_path / "ranker")


def test_no_candidates_have_no_scores(model):
    empty = table_of(0)
    assert model.scores(empty).shape == (0,)
    assert model.contributions(empty).shape == (0, len(NAMES))


def test_a_part_without_listens_or_misses_is_refused():
    good = questions(0, many=5)
    for labels in (0, 1):
        bad = replace(good, labels=np.full_like(good.labels, labels))
        with pytest.raises(DataError, match="listens and misses to train with"):
            train_lambdamart(bad, stop=good, config=CONFIG)
        with pytest.raises(DataError, match="listens and misses to stop with"):
            train_lambdamart(good, stop=bad, config=CONFIG)


def test_contenders_are_the_best_of_each_question_with_a_listen_among_them(monkeypatch):
    monkeypatch.setattr("ranker.lambdamart._CONTENDERS", 2)
    data = data_of(table_of(12, strength=np.arange(12.0)), [0, 0, 0, 1, 0, 0, 1, 0, 0, 1, 1, 0], 4)
    scores = np.array([4, 9, 7, 1, 5, 5, 8, 5, 3, 2, 1, 0.0])
    found = contenders(data, scores)
    # Of the first question 1 and 2 score best, and 3 alone is right: it teaches nothing. Of the
    # second 6, and of equals the first one, 4. Of the third 8 and 9; that 10 is right is not told.
    assert found.table[:, NAMES.index("strength")].tolist() == [4, 6, 8, 9]
    assert found.labels.tolist() == [0, 1, 0, 1]
    assert found.sizes.tolist() == [2, 2]


def test_listens_that_the_line_never_puts_first_are_an_error(monkeypatch):
    monkeypatch.setattr("ranker.lambdamart._CONTENDERS", 1)
    table = table_of(80, popularity_gap=np.tile([1.0, 0.0], 40))
    right, wrong = (data_of(table, labels * 40, 2) for labels in ([1, 0], [0, 1]))
    with pytest.raises(DataError, match="no listen to stop with among the first 1 candidates"):
        train_lambdamart(right, stop=wrong, config=CONFIG, threads=1)


def test_importances_are_mean_moves_the_most_first():
    model = replace(
        linear_model(), line=line_of(cf_score=1, age=-3, strength=0.5), calibration=HALF
    )
    table = table_of(2, cf_score=[1, 3], age=[2, 0], strength=[np.nan, 2])
    found = importances(model, table)
    assert found[:3] == [("age", 3.0), ("cf_score", 2.0), ("strength", 0.5)]
    assert {value for _, value in found[3:]} == {0.0}


def test_settings_are_described_and_unknown_ones_refused():
    assert all(field.description for field in LearningConfig.model_fields.values())
    with pytest.raises(ValueError, match="Extra inputs"):
        LearningConfig(leafs=3)
