"""An evaluation of 1,000 users over 10,000 tracks.

Measured: `evaluate` by the protocol `random`: split, ALS of 64 factors and 5 iterations, fold-in,
six systems ranked over every track for every user, all metrics, slices, and 1,000 bootstrap
resamples.

Reference: what no evaluation can do without: training the same ALS once, then for each of the six
systems one product of users' and tracks' vectors and one `argpartition` of its scores for the
best 20.

No limit is set yet.
"""

from __future__ import annotations

import numpy as np

from benchmarks.harness import Result, interleave
from benchmarks.synthetic import catalog, plays, unit_vectors
from cf_model import CFConfig, train_als
from engine.evaluation import evaluate

_USERS, _TRACKS, _ROWS = 1_000, 10_000, 60_000
_SYSTEMS, _DEPTH = 6, 20
_CONFIG = CFConfig(factors=64, iterations=5)


def run() -> list[Result]:
    """Measure one evaluation."""
    rng = np.random.default_rng(0)
    interactions = plays(_USERS, _TRACKS, _ROWS, rng)
    embeddings = unit_vectors(_TRACKS, 128, rng)
    tracks = catalog(_TRACKS)

    def whole() -> None:
        report = evaluate(
            interactions, catalog=tracks, embeddings=embeddings, protocol="random", cf=_CONFIG
        )
        assert len(report.systems) == _SYSTEMS

    def least() -> None:
        model = train_als(interactions, _CONFIG, rng=np.random.default_rng(0))
        for _ in range(_SYSTEMS):
            scores = model.user_factors @ model.item_factors.T
            np.argpartition(-scores, _DEPTH, axis=1)

    times = interleave(whole, least, rounds=3, warm=False)
    return [Result("evaluation, 1,000 x 10,000 / ALS and six products", *times)]
