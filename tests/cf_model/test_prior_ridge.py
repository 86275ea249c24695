import numpy as np
import pytest
from sklearn.gaussian_process.kernels import RationalQuadratic
from sklearn.linear_model import Ridge as SklearnRidge

from cf_model.prior.kernel import LandmarkKernel
from cf_model.prior.ridge import Moments, Ridge, sum_up


def make_rows(n=60, r=5, f=3, seed=0):
    rng = np.random.default_rng(seed)
    features = rng.normal(2, 1, (n, r)).astype(np.float32)
    return features, (features[:, :f] ** 2 + rng.normal(size=(n, f))).astype(np.float32)


@pytest.mark.parametrize("penalty", [0.1, 3.0, 100.0])
def test_agrees_with_scikit_learn(penalty):
    features, outputs = make_rows()
    weights, intercept = Ridge.of(Moments.of(features, outputs)).solve(penalty)
    theirs = SklearnRidge(alpha=penalty).fit(features.astype(float), outputs.astype(float))
    np.testing.assert_allclose(weights, theirs.coef_.T, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(intercept, theirs.intercept_, rtol=1e-3, atol=1e-3)


def test_rows_can_be_left_out_of_the_sums():
    features, outputs = make_rows()
    rest = Moments.of(features, outputs) - Moments.of(features[:20], outputs[:20])
    expected = Ridge.of(Moments.of(features[20:], outputs[20:])).solve(1.0)
    for got, wanted in zip(Ridge.of(rest).solve(1.0), expected, strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-3, atol=1e-4)


def test_one_feature_by_hand():
    # x = -1, 0, 1 and y = 1, 2, 6: x'x = 2, x'y = 5, mean 3. Penalty 3 gives 5 / (2 + 3) = 1.
    features, outputs = np.array([[-1], [0], [1]]), np.array([[1], [2], [6]])
    moments = Moments.of(features.astype(np.float32), outputs.astype(np.float32))
    weights, intercept = Ridge.of(moments).solve(3.0)
    assert weights.item() == pytest.approx(1)
    assert intercept.item() == pytest.approx(3)


def test_moments_of_parts_add_up():
    rng = np.random.default_rng(0)
    features, outputs = (rng.normal(size=(30, n)).astype(np.float32) for n in (4, 2))
    parts = [Moments.of(features[at], outputs[at]) for at in (slice(7), slice(7, 30))]
    whole = Ridge.of(Moments.of(features, outputs)).solve(2.0)
    for got, expected in zip(Ridge.of(sum_up(parts)).solve(2.0), whole, strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-5)


def make_embeddings(n=50, d=4):
    spread = np.array([3, 1, 0.5, 0.1])[:d]
    return (np.random.default_rng(1).normal(size=(n, d)) * spread + 1).astype(np.float32)


def test_with_every_track_a_landmark_the_kernel_is_exact():
    embeddings = make_embeddings()
    kernel = LandmarkKernel.fit(embeddings, 50, rng=np.random.default_rng(0))
    features = kernel.values(embeddings) @ kernel.inverse_root()
    # Landmarks are the whitened tracks: scikit-learn's own kernel, (1 + d^2 / 2 a l^2)^-a.
    exact = RationalQuadratic(np.sqrt(kernel.reach), alpha=0.5)(kernel.landmarks.astype(float))
    np.testing.assert_allclose(features @ features.T, exact, atol=5e-3)


def test_half_of_the_landmarks_lie_within_twice_the_reach():
    embeddings = make_embeddings()
    kernel = LandmarkKernel.fit(embeddings, 50, rng=np.random.default_rng(0))
    values = kernel.values(embeddings)[np.triu_indices(50, 1)]
    assert np.median(values) == pytest.approx(1 / np.sqrt(5), rel=1e-3)  # 4 in squares
    assert values.min() >= 0
    assert kernel.values(embeddings).max() == pytest.approx(1, abs=1e-4)


def test_directions_are_brought_to_one_size():
    embeddings = make_embeddings(2000, 3)
    kernel = LandmarkKernel.fit(embeddings, 2000, rng=np.random.default_rng(0))
    spread = kernel.landmarks.std(axis=0)
    assert spread.max() < 1
    assert spread.max() / spread.min() < 3
    # They do not depend on each other.
    between = np.corrcoef(kernel.landmarks.T) - np.eye(3)
    np.testing.assert_allclose(between, 0, atol=0.01)
