from __future__ import annotations

import numpy as np
import pytest

from data.errors import DataError, ParameterError
from engine import bootstrap
from engine.bootstrap import Estimate, intervals


def test_a_constant_has_no_spread():
    assert intervals(np.full((50, 1), 0.25)) == [Estimate(0.25, 0.25, 0.25)]


def test_the_interval_is_that_of_the_mean():
    """The width of a 95% interval of a mean is about 2 x 1.96 standard errors."""
    values = np.random.default_rng(0).normal(3.0, 1.0, (2000, 1))
    (found,) = intervals(values)
    error = values.std() / np.sqrt(len(values))
    assert found.mean == pytest.approx(values.mean())
    assert found.low < found.mean < found.high
    assert found.high - found.low == pytest.approx(2 * 1.96 * error, rel=0.1)


def test_the_interval_covers_the_truth_as_often_as_it_says():
    rng = np.random.default_rng(1)
    covered = 0
    for seed in range(300):
        (found,) = intervals(rng.random((80, 1)), resamples=400, level=0.9, seed=seed)
        covered += found.low <= 0.5 <= found.high
    # 0.9 +- 4 standard errors of a share of 300, and a little for the bootstrap's own bias.
    assert 0.81 <= covered / 300 <= 0.97


def test_all_columns_see_the_same_draws():
    """A difference of two columns is their paired difference, with its own narrow interval."""
    rng = np.random.default_rng(2)
    users = rng.random((400, 1))
    one, other = users + 0.01, users
    apart, first = intervals(np.hstack([one - other, one]))
    assert (apart.low, apart.high) == pytest.approx((0.01, 0.01))
    assert first.high - first.low > 0.03
    assert intervals(np.hstack([other, one]))[1].low == pytest.approx(intervals(one)[0].low)


def test_the_same_seed_gives_the_same_interval():
    values = np.random.default_rng(3).random((30, 2))
    assert intervals(values, seed=5) == intervals(values, seed=5)
    assert intervals(values, seed=5) != intervals(values, seed=6)


def test_many_users_are_resampled_in_parts(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(bootstrap, "_CHUNK", 1000)
    values = np.random.default_rng(4).random((300, 1))
    counts = np.concatenate(list(bootstrap._draws(300, 10, 0)))
    assert counts.shape == (10, 300)
    assert counts.sum(axis=1).tolist() == [300] * 10
    (found,) = intervals(values)
    assert found.low < values.mean() < found.high


@pytest.mark.parametrize(
    ("estimate", "clear"),
    [
        (Estimate(0.1, 0.05, 0.2), True),
        (Estimate(-0.1, -0.2, -0.05), True),
        (Estimate(0.1, -0.05, 0.2), False),
        (Estimate(0.1), False),
    ],
)
def test_clear_of_zero(estimate: Estimate, clear: bool) -> None:
    assert estimate.excludes_zero is clear


def test_bad_arguments():
    values = np.ones((3, 1))
    with pytest.raises(ParameterError, match=r"`resamples` must be a positive integer.*: 0"):
        intervals(values, resamples=0)
    with pytest.raises(ParameterError, match=r"`level` must lie between 0 and 1. Received: 1"):
        intervals(values, level=1)
    with pytest.raises(DataError, match="at least one user"):
        intervals(np.empty((0, 1)))
