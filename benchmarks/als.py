"""Training of ALS.

Measured: `train_als` on 300,000 plays of 5,000 users and 10,000 tracks: plays to confidences,
64 factors, 5 iterations, scaled factors in a frozen model.

Reference: bare `implicit` with the same parameters on the same matrix of confidences, that is with
`regularization` times `weight_scale`, on as many threads, BLAS held to one.

Limit: at most 1.1 times the reference.
"""

from __future__ import annotations

import numpy as np
from implicit.cpu.als import AlternatingLeastSquares
from threadpoolctl import threadpool_limits

from benchmarks.harness import Result, interleave
from benchmarks.synthetic import plays
from cf_model import CFConfig, confidence, train_als, weight_scale

_CONFIG = CFConfig(factors=64, iterations=5)


def run() -> list[Result]:
    """Measure one training."""
    interactions = plays(5_000, 10_000, 300_000, np.random.default_rng(0))
    weights = confidence(interactions.matrix(), _CONFIG)
    scale = weight_scale(weights)

    def bare() -> AlternatingLeastSquares:
        with threadpool_limits(1, user_api="blas"):
            solver = AlternatingLeastSquares(
                factors=_CONFIG.factors,
                regularization=_CONFIG.regularization * scale,
                alpha=1.0,
                dtype=np.float32,
                iterations=_CONFIG.iterations,
                num_threads=_CONFIG.threads,
                random_state=np.random.default_rng(0),
            )
            solver.fit(weights, show_progress=False)
        return solver

    model = train_als(interactions, _CONFIG, rng=np.random.default_rng(0))
    np.testing.assert_allclose(
        model.user_factors[:10] @ model.item_factors.T,
        (solver := bare()).user_factors[:10] @ solver.item_factors.T,
        atol=1e-4,
    )
    times = interleave(
        lambda: train_als(interactions, _CONFIG, rng=np.random.default_rng(0)),
        bare,
        rounds=5,
        warm=False,
    )
    return [Result("train_als, 300,000 plays / bare implicit", *times, limit="<= 1.10x")]
