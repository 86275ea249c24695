"""Fold-in of one user.

Measured: `FoldIn.user` for 500 plays among 20,000 tracks, 128 factors.

Reference: the plain numpy way, which builds the whole system of equation 4 of Hu, Koren and
Volinsky over every track, played or not, and calls `numpy.linalg.solve`. BLAS has one thread on
both sides.

Limit: under 2 ms at the median of the measured side.
"""

from __future__ import annotations

import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks.harness import Result, interleave
from benchmarks.synthetic import Matrix, history
from cf_model import CFConfig, FoldIn, confidence_of

_TRACKS, _FACTORS, _PLAYS = 20_000, 128, 500
_CONFIG = CFConfig(factors=_FACTORS)


def run() -> list[Result]:
    """Measure one user."""
    rng = np.random.default_rng(0)
    item_factors = rng.standard_normal((_TRACKS, _FACTORS), dtype=np.float32) / 10
    played = history(_TRACKS, _PLAYS, rng)
    weights = np.ones(_TRACKS)
    weights[played.tracks] = confidence_of(played.counts, _CONFIG)
    preferences = np.zeros(_TRACKS)
    preferences[played.tracks] = 1
    foldin = FoldIn(item_factors, _CONFIG)

    def plain() -> Matrix:
        y = item_factors.astype(np.float64)
        system = y.T @ (weights[:, None] * y) + _CONFIG.regularization * np.eye(_FACTORS)
        return np.linalg.solve(system, y.T @ (weights * preferences)).astype(np.float32)

    with threadpool_limits(1):
        np.testing.assert_allclose(foldin.user(played.tracks, played.counts), plain(), atol=1e-5)
        times = interleave(lambda: foldin.user(played.tracks, played.counts), plain, rounds=25)
    return [Result(f"fold-in, {_PLAYS} plays / whole system in numpy", *times, limit="< 2 ms")]
