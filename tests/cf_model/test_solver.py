"""The solver against `implicit` called once for each row, with all of Y and the row's penalty."""

from itertools import pairwise

import numpy as np
import pytest
import scipy.sparse as sp
from implicit.cpu.als import AlternatingLeastSquares

from cf_model.solver import Side, solving
from data.errors import DataError
from data.threads import one_blas_thread


def problem(rows, columns, factors, density=0.1, seed=0):
    rng = np.random.default_rng(seed)
    weights = sp.random(rows, columns, density, format="csr", dtype=np.float32, rng=rng)
    weights.data = 1 + 30 * weights.data
    penalties = 2.0 ** rng.integers(-2, 9, rows)
    solved, fixed = (rng.random((n, factors), np.float32) - np.float32(0.3) for n in weights.shape)
    return weights, penalties, solved, fixed


def one_by_one(weights, penalties, solved, fixed):
    solver = AlternatingLeastSquares(use_cg=True, use_native=True).solver
    expected = solved.copy()
    with one_blas_thread():
        for row in np.flatnonzero(np.diff(weights.indptr)):
            only = slice(row, row + 1)
            solver(weights[only], expected[only], fixed, float(penalties[row]), num_threads=1)
    return expected


def sweep(weights, penalties, solved, fixed, threads=2):
    found = solved.copy()
    side = Side.of(weights, penalties, factors=fixed.shape[1])
    with one_blas_thread(), solving(threads) as solver:
        solver.sweep(side, found, fixed)
    return found


@pytest.mark.parametrize(
    ("rows", "columns", "factors"),
    [(1, 40, 1), (60, 500, 16), (500, 60, 16), (60, 20, 64), (300, 5_000, 32)],
)
def test_one_sweep_is_that_of_implicit_with_a_penalty_for_each_row(rows, columns, factors):
    given = problem(rows, columns, factors)
    found, expected = sweep(*given), one_by_one(*given)
    np.testing.assert_allclose(found, expected, atol=1e-4 * abs(expected).max())
    assert abs(expected - given[2]).max() > 0.1  # it did move


def test_rows_without_confidences_are_left_as_they_are():
    weights, penalties, solved, fixed = problem(50, 40, 8, density=0.02)
    empty = np.diff(weights.indptr) == 0
    assert 0 < empty.sum() < 50
    found = sweep(weights, penalties, solved, fixed)
    np.testing.assert_array_equal(found[empty], solved[empty])
    assert (found[~empty] != solved[~empty]).any(axis=1).all()


def test_every_row_is_in_one_part_with_its_penalty():
    weights, penalties, _, _ = problem(3_000, 400, 8)
    side = Side.of(weights, penalties, factors=8)
    spans = sorted((part.span.start, part.span.stop) for part in side.parts)
    assert [spans[0][0], spans[-1][1]] == [0, np.count_nonzero(np.diff(weights.indptr))]
    assert all(a[1] == b[0] for a, b in pairwise(spans))
    assert len(side.parts) > len(np.unique(penalties))  # also much of one penalty is cut
    for part in side.parts:
        rows = side.order[part.span]
        assert set(penalties[rows]) == {part.penalty}
        np.testing.assert_array_equal(part.weights.toarray()[:, 8:], weights[rows].toarray())
    sizes = [part.weights.nnz + 4 * part.weights.shape[0] for part in side.parts]
    assert sizes == sorted(sizes, reverse=True)


def test_a_penalty_that_float32_cannot_tell_from_none():
    # Y has rank 1, so the least eigenvalue of Y'Y + penalty I is the penalty, and the float32 next
    # to an entry of Y'Y is further away than that. The one play is of confidence 1: x is lowest in
    # |Yx|^2 - 2 y'x + penalty |x|^2 along y, so y'x = |y|^2 / (sum |y_i|^2 + penalty).
    rng = np.random.default_rng(0)
    fixed = np.outer(1 + rng.random(2_000), 100 * rng.random(4)).astype(np.float32)
    with pytest.raises(np.linalg.LinAlgError):
        np.linalg.cholesky((fixed.T @ fixed).astype(np.float64) + 0.01 * np.eye(4))
    weights = sp.csr_matrix(np.eye(1, 2_000, dtype=np.float32))
    found = sweep(weights, np.array([0.01]), np.zeros((1, 4), np.float32), fixed)
    squares = (fixed.astype(np.float64) ** 2).sum(axis=1)
    assert found[0] @ fixed[0] == pytest.approx(squares[0] / (squares.sum() + 0.01), rel=1e-3)


def test_a_penalty_that_is_none_is_one_clear_error():
    weights = sp.csr_matrix(np.eye(1, 9, dtype=np.float32))
    fixed = np.full((9, 2), 1_000, np.float32)
    with pytest.raises(DataError, match=r"Raise `regularization`.*Received: .* 1e-12\."):
        sweep(weights, np.array([1e-12]), np.zeros((1, 2), np.float32), fixed)
