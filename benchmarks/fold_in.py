"""Fold-in of one user, and of many.

Measured: `FoldIn.user` for 500 plays among 20,000 tracks, 128 factors; and `FoldIn.users` for
2,000 users of some 40 plays.

Reference: of one, the plain numpy way, which builds the whole system of equation 4 of Hu, Koren and
Volinsky over every track, played or not, and calls `numpy.linalg.solve`. Of many,
`recalculate_user` of bare `implicit` on as many threads, in float32. BLAS has one thread on all
sides.

Limit: one user under 2 ms at the median of the measured side; many at most 2 times the reference.
"""

from __future__ import annotations

import numpy as np
from implicit.cpu.als import AlternatingLeastSquares
from threadpoolctl import threadpool_limits

from benchmarks.harness import Result, interleave
from benchmarks.synthetic import Matrix, history, plays
from cf_model import CFConfig, FoldIn, confidence, confidence_of, row_penalties

_TRACKS, _FACTORS, _PLAYS, _USERS = 20_000, 128, 500, 2_000
_CONFIG = CFConfig(factors=_FACTORS)


def run() -> list[Result]:
    """Measure one user, then many."""
    rng = np.random.default_rng(0)
    item_factors = rng.standard_normal((_TRACKS, _FACTORS), dtype=np.float32) / 10
    foldin = FoldIn(item_factors, _CONFIG)
    with threadpool_limits(1):
        return [_one(foldin, rng), _many(foldin, rng)]


def _one(foldin: FoldIn, rng: np.random.Generator) -> Result:
    played = history(_TRACKS, _PLAYS, rng)
    weights = np.ones(_TRACKS)
    weights[played.tracks] = confidence_of(played.counts, _CONFIG)
    preferences = np.zeros(_TRACKS)
    preferences[played.tracks] = 1
    penalty = float(row_penalties(np.array(_PLAYS), _CONFIG))

    def plain() -> Matrix:
        y = foldin.item_factors.astype(np.float64)
        system = y.T @ (weights[:, None] * y) + penalty * np.eye(_FACTORS)
        return np.linalg.solve(system, y.T @ (weights * preferences)).astype(np.float32)

    np.testing.assert_allclose(foldin.user(played.tracks, played.counts), plain(), atol=1e-5)
    times = interleave(lambda: foldin.user(played.tracks, played.counts), plain, rounds=25)
    return Result(f"fold-in, {_PLAYS} plays / whole system in numpy", *times, limit="< 2 ms")


def _many(foldin: FoldIn, rng: np.random.Generator) -> Result:
    matrix = plays(_USERS, _TRACKS, 40 * _USERS, rng).matrix()
    # One penalty for all is all that the reference has.
    foldin = FoldIn(foldin.item_factors, _CONFIG.model_copy(update={"frequency_power": 0.0}))
    solver = AlternatingLeastSquares(
        factors=_FACTORS, regularization=_CONFIG.regularization, alpha=1.0
    )
    solver.item_factors = foldin.item_factors
    weights = confidence(matrix, _CONFIG)

    def bare() -> Matrix:
        factors: Matrix = solver.recalculate_user(np.arange(_USERS), weights)
        return factors

    np.testing.assert_allclose(foldin.users(matrix), bare(), atol=1e-3)
    times = interleave(lambda: foldin.users(matrix), bare, rounds=5)
    return Result(f"fold-in, {_USERS:,} users / bare implicit", *times, limit="<= 2.00x")
