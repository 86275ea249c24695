import math

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from cf_model import CFConfig, confidence, confidence_of
from data.errors import DataError

COUNTS = hnp.arrays(np.float32, st.integers(0, 20), elements=st.floats(0.5, 1e6, width=32))
KINDS = st.sampled_from(["binary", "linear", "log", "bm25"])


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("binary", [3.0, 3.0]),
        ("linear", [3.0, 1 + 2 * (math.e - 1)]),
        ("log", [1 + 2 * math.log(2), 3.0]),
        # One play adds alpha; k plays half of alpha (k + 1), the most there is.
        ("bm25", [3.0, 1 + 2 * 3 / 2]),
    ],
)
def test_formulas(kind, expected):
    counts = np.array([1.0, 2.0 if kind == "bm25" else math.e - 1], np.float32)
    weights = confidence_of(counts, CFConfig(confidence=kind, alpha=2.0, bm25_k1=2.0))
    assert weights.dtype == np.float32
    np.testing.assert_allclose(weights, expected, rtol=1e-6)


@settings(deadline=None)
@given(COUNTS, KINDS, st.floats(0.01, 100))
def test_is_at_least_one_and_grows_with_plays(counts, kind, alpha):
    counts = np.sort(counts)
    weights = confidence_of(counts, CFConfig(confidence=kind, alpha=alpha))
    assert (weights >= 1).all()
    assert (np.diff(weights) >= 0).all()


def test_of_a_matrix_weighs_stored_entries_only():
    plays = sp.csr_matrix(np.array([[0, 2, 0], [5, 0, 1]], np.float32))
    weights = confidence(plays, CFConfig(confidence="linear", alpha=0.5))
    assert weights.dtype == np.float32
    np.testing.assert_array_equal(weights.toarray(), [[0, 2, 0], [3.5, 0, 1.5]])
    np.testing.assert_array_equal(plays.toarray(), [[0, 2, 0], [5, 0, 1]])


@pytest.mark.parametrize("count", [0.0, -2.0, math.nan])
def test_refuses_counts_that_are_not_above_zero(count):
    with pytest.raises(DataError, match="above zero"):
        confidence_of(np.array([1, count], np.float32), CFConfig())


@pytest.mark.parametrize("count", [3e38, math.inf])
def test_refuses_confidences_that_overflow(count):
    with pytest.raises(DataError, match="smaller `alpha`"):
        confidence_of(np.array([1, count], np.float32), CFConfig(confidence="linear", alpha=10))
