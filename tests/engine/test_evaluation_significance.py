from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats

from data.errors import DataError, ParameterError
from engine.evaluation import significance
from engine.evaluation.significance import holm, sign_flip


def exact(differences: np.ndarray) -> float:
    """Try every way of flipping signs."""
    signs = np.array(list(itertools.product((-1, 1), repeat=len(differences))))
    sums = np.abs(signs @ differences)
    return float((sums >= abs(differences.sum()) - 1e-12).mean())


@pytest.mark.parametrize("seed", range(4))
def test_random_flips_come_near_all_flips(seed: int) -> None:
    rng = np.random.default_rng(seed)
    values = rng.normal(0.4, 1.0, (12, 3))
    found = sign_flip(values, flips=40_000, seed=seed)
    expected = [exact(column) for column in values.T]
    # Four standard errors of a share of 40,000 are at most 0.01.
    assert found == pytest.approx(expected, abs=0.01)


def test_agrees_with_scipy() -> None:
    rng = np.random.default_rng(7)
    one, other = rng.random((2, 200))
    one = one + 0.04
    theirs = stats.permutation_test(
        (one, other),
        lambda x, y, axis: np.mean(x - y, axis=axis),
        permutation_type="samples",
        vectorized=True,
        n_resamples=20_000,
        rng=1,
    )
    (ours,) = sign_flip((one - other)[:, np.newaxis], flips=20_000)
    assert ours == pytest.approx(theirs.pvalue, abs=0.015)


def test_systems_that_never_differ_are_alike():
    assert sign_flip(np.zeros((30, 1)), flips=100).tolist() == [1.0]


def test_a_p_value_is_never_zero():
    assert sign_flip(np.ones((60, 1)), flips=999) == pytest.approx([0.001])


def test_one_user_proves_nothing():
    assert sign_flip(np.array([[0.7]]), flips=100).tolist() == [1.0]


def test_sums_that_differ_by_rounding_are_equal():
    """0.1 + 0.2 + 0.3 is not 0.3 + 0.2 + 0.1 to a computer; all signs alike happen in 1 of 4."""
    (p,) = sign_flip(np.array([[0.1], [0.2], [0.3]]), flips=20_000)
    assert p == pytest.approx(0.25, abs=0.015)


def test_chance_is_found_as_often_as_the_level_says():
    differences = np.random.default_rng(3).normal(size=(50, 600))
    found = (sign_flip(differences, flips=1000) < 0.05).mean()
    assert 0.01 < found < 0.09  # 0.05 and four standard errors of a share of 600


def test_the_same_seed_gives_the_same_p_values(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(0).normal(0.1, 1, (40, 2))
    assert (sign_flip(values, seed=3) == sign_flip(values, seed=3)).all()
    assert (sign_flip(values, seed=3) != sign_flip(values, seed=4)).any()
    monkeypatch.setattr(significance, "_CHUNK", 400)  # ten flips at a time
    assert sign_flip(values, flips=2001) == pytest.approx(sign_flip(values, flips=2000), abs=0.05)


def test_holm_by_hand():
    # Ascending: .01 x 4, .02 x 3, .03 x 2, .5 x 1; never less than the one before, never above 1.
    assert holm(np.array([0.03, 0.01, 0.5, 0.02])) == pytest.approx([0.06, 0.04, 0.5, 0.06])
    assert holm(np.array([0.4, 0.6])) == pytest.approx([0.8, 0.8])
    assert holm(np.array([0.7, 0.9])) == pytest.approx([1, 1])
    assert holm(np.array([0.2])) == pytest.approx([0.2])


def test_holm_goes_by_columns():
    p = np.array([[0.01, 0.5], [0.04, 0.001]])
    assert holm(p) == pytest.approx(np.array([[0.02, 0.5], [0.04, 0.002]]))


@given(hnp.arrays(float, st.integers(1, 12), elements=st.floats(1e-4, 1)))
def test_holm_lies_between_nothing_and_bonferroni(p: np.ndarray) -> None:
    found = holm(p)
    assert (found >= p).all()
    assert (found <= np.minimum(p * len(p), 1)).all()
    assert (np.diff(found[np.argsort(p, kind="stable")]) >= 0).all()


def test_bad_arguments():
    with pytest.raises(DataError, match="at least one user"):
        sign_flip(np.empty((0, 1)))
    with pytest.raises(ParameterError, match=r"`flips` must be a positive integer.*: 0"):
        sign_flip(np.ones((2, 1)), flips=0)
