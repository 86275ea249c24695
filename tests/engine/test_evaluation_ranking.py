from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from engine.evaluation.ranking import NONE, ranks, top_k

INF = np.inf


def block(*rows: list[float]) -> np.ndarray:
    return np.array(rows, np.float32)


def test_best_first():
    scores = block([0.1, -3.0, 7.0, 0.0], [-5.0, -1.0, -2.0, -4.0])
    assert top_k(scores, 3).tolist() == [[2, 0, 3], [1, 2, 3]]
    assert ranks(scores).tolist() == [[2, 4, 1, 3], [4, 1, 2, 3]]


def test_ties_go_by_lower_column():
    assert top_k(block([1, 2, 2, 1, 2]), 4).tolist() == [[1, 2, 4, 0]]
    assert ranks(block([1, 2, 2, 1, 2])).tolist() == [[4, 1, 2, 5, 3]]


def test_negative_zero_ties_with_zero():
    assert top_k(block([-0.0, 0.0]), 2).tolist() == [[0, 1]]


def test_ties_are_counted_cyclically_from_the_start_of_each_row():
    scores = block([1, 1, 1, 1], [1, 1, 1, 1], [1, 5, 1, 1])
    start = np.array([0, 3, 2])
    assert top_k(scores, 3, start=start).tolist() == [[0, 1, 2], [3, 0, 1], [1, 2, 3]]
    assert ranks(scores, start=start).tolist() == [[1, 2, 3, 4], [2, 3, 4, 1], [4, 1, 2, 3]]


def test_minus_infinity_is_never_answered():
    scores = block([-INF, 1, -INF], [-INF, -INF, -INF])
    assert top_k(scores, 2).tolist() == [[1, NONE], [NONE, NONE]]
    assert ranks(scores).tolist() == [[0, 1, 0], [0, 0, 0]]


def test_lists_longer_than_the_tracks_are_filled_up():
    assert top_k(block([1, 2]), 4).tolist() == [[1, 0, NONE, NONE]]
    assert top_k(np.empty((2, 0), np.float32), 2).tolist() == [[NONE, NONE]] * 2


@given(
    st.integers(1, 4).flatmap(
        lambda rows: st.integers(1, 12).flatmap(
            lambda width: st.tuples(
                hnp.arrays(
                    np.float32,
                    (rows, width),
                    elements=st.sampled_from([-INF, -2.5, -0.0, 0.0, 1e-30, 0.5, 3e38]),
                ),
                hnp.arrays(np.int64, rows, elements=st.integers(0, width - 1)),
                st.integers(1, 15),
            )
        )
    )
)
def test_agrees_with_sorting_tuples(case: tuple[np.ndarray, np.ndarray, int]) -> None:
    scores, start, k = case
    width = scores.shape[1]
    for row, first, best, ranked in zip(
        scores, start, top_k(scores, k, start=start), ranks(scores, start=start), strict=True
    ):
        allowed = [c for c in range(width) if row[c] > -INF]
        expected = sorted(allowed, key=lambda c: (-row[c], (c - first) % width))
        assert best.tolist() == (expected + [NONE] * k)[:k]
        assert [int(ranked[c]) for c in expected] == list(range(1, len(expected) + 1))
        assert np.count_nonzero(ranked) == len(expected)


def test_constant_scores_favour_no_column():
    """With spread starts, every column comes first equally often."""
    width = 50
    start = np.tile(np.arange(width), 20)
    first = top_k(np.zeros((start.size, width), np.float32), 1, start=start)[:, 0]
    assert np.bincount(first, minlength=width).tolist() == [20] * width


def test_a_partition_gives_what_a_sort_gives():
    scores = np.random.default_rng(0).integers(0, 30, (64, 500)).astype(np.float32)
    start = np.random.default_rng(1).integers(500, size=64)
    ranked = ranks(scores, start=start)
    best = top_k(scores, 25, start=start)
    assert (np.take_along_axis(ranked, best, axis=1) == np.arange(1, 26)).all()


@pytest.mark.parametrize("k", [1, 3])
def test_the_type_of_an_answer(k: int) -> None:
    best = top_k(block([1, 2, 3]), k)
    assert best.dtype == np.int32
    assert best.shape == (1, k)
