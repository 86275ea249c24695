"""Training of ALS.

Measured: `train_als` on 300,000 plays of 5,000 users and 10,000 tracks: plays to confidences,
5 iterations, scaled factors in a frozen model; with 64 and with 256 factors.

Reference: bare `implicit` with the same parameters on the same matrix of confidences, on as many
threads, BLAS held to one. It has one penalty for all rows: `regularization` times `weight_scale`,
with `frequency_power` 0. The measured side has the `frequency_power` of the settings; before it is
timed, it is made sure that without it both come to the same scores.

Limit: at most 1.1 times the reference.
"""

from __future__ import annotations

import numpy as np
from implicit.cpu.als import AlternatingLeastSquares
from threadpoolctl import threadpool_limits

from benchmarks.harness import Result, interleave
from benchmarks.synthetic import plays
from cf_model import ALSModel, CFConfig, confidence, train_als, weight_scale
from data.interactions import Interactions

_CONFIG = CFConfig(iterations=5)


def run() -> list[Result]:
    """Measure one training for each number of factors."""
    interactions = plays(5_000, 10_000, 300_000, np.random.default_rng(0))
    return [_trained(interactions, factors, rounds) for factors, rounds in ((64, 5), (256, 3))]


def _trained(interactions: Interactions, factors: int, rounds: int) -> Result:
    config = _CONFIG.model_copy(update={"factors": factors})

    def bare() -> AlternatingLeastSquares:
        weights = confidence(interactions.matrix(), config)
        with threadpool_limits(1, user_api="blas"):
            solver = AlternatingLeastSquares(
                factors=factors,
                regularization=config.regularization * weight_scale(weights),
                alpha=1.0,
                dtype=np.float32,
                iterations=config.iterations,
                num_threads=config.threads,
                random_state=np.random.default_rng(0),
            )
            solver.fit(weights, show_progress=False)
        return solver

    def ours(config: CFConfig = config) -> ALSModel:
        return train_als(interactions, config, rng=np.random.default_rng(0))

    model = ours(config.model_copy(update={"frequency_power": 0.0}))
    np.testing.assert_allclose(
        model.user_factors[:10] @ model.item_factors.T,
        (solver := bare()).user_factors[:10] @ solver.item_factors.T,
        atol=1e-3,
    )
    times = interleave(ours, bare, rounds=rounds, warm=False)
    return Result(f"train_als, {factors} factors / bare implicit", *times, limit="<= 1.10x")
