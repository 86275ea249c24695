"""Vector search.

Measured: `ExactIndex.search` for the 200 nearest of 100,000 embeddings of 128 numbers, with a mask
of the eligible tracks: the product, the mask, the selection, in order.

Reference: the exact matrix-vector product alone.

BLAS has one thread on both sides, as in the processes of the service. No limit is set yet.
"""

from __future__ import annotations

import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks.harness import Result, interleave
from benchmarks.synthetic import unit_vectors
from engine.index import ExactIndex

_SIZE, _WIDTH, _K = 100_000, 128, 200


def run() -> list[Result]:
    """Measure one search."""
    rng = np.random.default_rng(0)
    vectors = unit_vectors(_SIZE, _WIDTH, rng)
    query = unit_vectors(1, _WIDTH, rng)[0]
    eligible = rng.random(_SIZE) < 0.99
    index = ExactIndex(vectors, np.ones(_SIZE, bool))
    with threadpool_limits(1):
        found = index.search(query, _K, eligible=eligible)
        scores = np.where(eligible, vectors @ query, -np.inf)
        assert set(found.tracks) == set(np.argsort(-scores)[:_K])
        times = interleave(
            lambda: index.search(query, _K, eligible=eligible),
            lambda: vectors @ query,
            rounds=15,
            number=10,
        )
    return [Result(f"search, {_K} of {_SIZE:,} vectors / one product", *times)]
