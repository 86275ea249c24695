import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from data.errors import DataError
from ranker.calibration import Calibration, calibrate

PAIRS = st.lists(
    st.tuples(st.floats(-20, 20, allow_subnormal=False), st.integers(0, 1)), min_size=1
)


# Steps of 5 in 6 and of 1 in 1 come to one rate, but for the last digit.
ALIKE = [(-1.0, 0)] * 3 + [(0.0, 0)] + [(0.0, 1)] * 5 + [(1.0, 1)]
# A score a little below a knot, which rounding put above it.
NEAR = [(0.0, 0)] * 3 + [(0.0, 1), (1.0, 0), (1.0, 1), (1.6334115950930758e-130, 1), (-1.0, 0)]


@settings(deadline=None)
@given(PAIRS)
@example(ALIKE)
@example(NEAR)
def test_a_higher_score_is_never_less_likely(pairs):
    scores, labels = np.array(pairs, np.float64).T
    curve = calibrate(scores, labels)
    grid = np.unique(np.concatenate([scores, np.linspace(-12, 12, 50)]))
    found = curve(grid)
    assert (found > 0).all()
    assert (np.diff(found) >= 0).all()
    apart = curve(np.linspace(-6, 6, 25))
    assert (np.diff(apart)[apart[:-1] < 1 - 1e-9] > 0).all()  # as far as float64 tells them apart


@settings(deadline=None)
@given(PAIRS)
def test_knots_rise_whatever_the_labels(pairs):
    scores, labels = np.array(pairs, np.float64).T
    curve = calibrate(scores, labels)
    assert (np.diff(curve.scores) > 0).all()
    assert (np.diff(curve.probabilities) > 0).all()
    assert len(curve.scores) <= 64


def test_probabilities_are_how_often_it_happens():
    rng = np.random.default_rng(1)
    truth = rng.uniform(0.02, 0.6, 20_000)
    happened = (rng.random(truth.size) < truth).astype(float)
    curve = calibrate(50 * truth**2 - 9, happened)  # any rising function of the truth
    told = rng.uniform(0.02, 0.6, 20_000)  # others, of the same kind
    labels = (rng.random(told.size) < told).astype(float)
    found = curve(50 * told**2 - 9)
    for low, high in ((0, 0.1), (0.1, 0.2), (0.2, 0.35), (0.35, 0.6), (0, 1)):
        part = (found >= low) & (found < high)
        mean = found[part].mean()
        # Four standard errors of as many coins, in the part learnt from and in this one.
        bound = 4 * np.sqrt(2 * mean * (1 - mean) / part.sum())
        assert abs(labels[part].mean() - mean) < bound, (low, high)


def test_steps_by_hand():
    # Isotonic regression joins 2 and 3, whose labels fall, and 0 and 1: hits 0 of 2, 1 of 2, 2 of
    # 2. Each has had 1 candidate more of the mean rate 1/2 before it was seen.
    curve = calibrate(np.arange(6.0), np.array([0, 0, 1, 0, 1, 1.0]))
    assert curve.scores == (0.5, 2.5, 4.5)
    assert curve.probabilities == pytest.approx((0.5 / 3, 1.5 / 3, 2.5 / 3))


def test_equal_scores_are_one_step():
    curve = calibrate(np.zeros(10), np.array([1, *[0] * 9], np.float64))
    assert curve.scores == (0.0,)
    assert curve.probabilities == pytest.approx(((1 + 1 / 10) / 11,))
    assert curve(np.array([0.0])) == pytest.approx([0.1])


@pytest.mark.parametrize("label", [0.0, 1.0])
def test_a_single_class_has_one_probability_inside_of_the_bounds(label):
    curve = calibrate(np.arange(5.0), np.full(5, label))
    assert curve.scores == (2.0,)
    assert curve.probabilities == (pytest.approx(label, abs=1e-5),)
    assert 0 < curve.probabilities[0] < 1


def test_between_knots_logits_are_straight_and_beyond_they_go_on():
    curve = Calibration((-1.0, 1.0), (1 / 4, 3 / 4))
    logit = np.log(3)
    expected = [-logit - 2, -logit, 0, logit / 2, logit, logit + 1]
    found = curve(np.array([-3, -1, 0, 0.5, 1, 2]))
    np.testing.assert_allclose(np.log(found / (1 - found)), expected, atol=1e-12)


def test_a_shape_is_kept():
    curve = Calibration((0.0,), (0.5,))
    assert curve(np.zeros((2, 3), np.float32)).shape == (2, 3)
    assert curve(np.empty(0)).shape == (0,)


@pytest.mark.parametrize(
    ("scores", "probabilities"),
    [
        ((), ()),
        ((0.0, 1.0), (0.5,)),
        ((0.0, 0.0), (0.2, 0.5)),
        ((0.0, 1.0), (0.5, 0.5)),
        ((0.0, 1.0), (0.0, 0.5)),
        ((0.0, 1.0), (0.5, 1.0)),
        ((0.0, np.inf), (0.2, 0.5)),
    ],
)
def test_knots_that_do_not_rise_are_refused(scores, probabilities):
    with pytest.raises(DataError, match="must rise"):
        Calibration(scores, probabilities)


def test_it_needs_scores():
    with pytest.raises(DataError, match="needs scores"):
        calibrate(np.empty(0), np.empty(0))
