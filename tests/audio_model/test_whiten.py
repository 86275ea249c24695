import numpy as np
import pytest

from audio_model.whiten import whitening_layer

STRETCHED = np.random.default_rng(0).normal(3, 1, (5_000, 6)) * [9, 5, 2, 1, 1, 0.5]


def test_whitened_in_full_all_directions_vary_alike():
    kernel, bias = whitening_layer(STRETCHED, 1)
    y = STRETCHED @ kernel + bias
    covariance = np.cov(y.T, bias=True)
    total = STRETCHED.var(axis=0).sum()
    np.testing.assert_allclose(y.mean(axis=0), 0, atol=1e-4)
    np.testing.assert_allclose(covariance, np.eye(6) * total / 6, rtol=0.02, atol=0.02)


def test_half_way_the_spread_is_the_root_of_what_it_was():
    kernel, bias = whitening_layer(STRETCHED, 0.5)
    deviations = np.sort((STRETCHED @ kernel + bias).std(axis=0))
    before = np.sqrt(np.sort(np.linalg.eigvalsh(np.cov(STRETCHED.T))))
    np.testing.assert_allclose(deviations / deviations[0], np.sqrt(before / before[0]), rtol=0.01)


def test_at_power_zero_distances_stay():
    kernel, bias = whitening_layer(STRETCHED, 0)
    y = STRETCHED[:20] @ kernel + bias
    before = np.linalg.norm(STRETCHED[:20, None] - STRETCHED[:20], axis=2)
    np.testing.assert_allclose(np.linalg.norm(y[:, None] - y, axis=2), before, rtol=1e-4)


@pytest.mark.parametrize("rows", [1, 3])
def test_few_vectors_or_equal_ones_give_finite_numbers(rows):
    kernel, bias = whitening_layer(np.ones((rows, 4)), 0.8)
    np.testing.assert_array_equal(kernel, np.eye(4))
    np.testing.assert_array_equal(bias, 0)
    few = np.random.default_rng(1).normal(size=(3, 8))
    kernel, bias = whitening_layer(few, 0.8)
    assert np.isfinite(kernel).all()
    assert np.isfinite(bias).all()
