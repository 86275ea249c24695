"""An evaluation of 2,000 users, 15,000 tracks and 8 systems.

Measured: `measure` on trained systems: every track ranked for every user by each of six systems of
64-dimensional vectors and two fusions of three of them, then all metrics, 1,000 bootstrap
resamples, paired tests of nine comparisons by 10,000 flips of signs, and eleven slices.

Reference: what no evaluation can do without: for each of the eight systems one product of users'
and tracks' vectors and one `argpartition` of its scores for the best 20.

Limit: three times the reference; most of what is over goes into the full rankings that the fusions
ask for.
"""

from __future__ import annotations

import numpy as np

from benchmarks.harness import Result, interleave
from benchmarks.synthetic import catalog, plays, unit_vectors
from engine.evaluation import Task, make_task, measure
from engine.evaluation.systems import Factors, Fusion, Ranking, System

_USERS, _TRACKS, _ROWS = 2_000, 15_000, 120_000
_WIDTH, _DEPTH = 64, 20
_NAMES = ("popularity", "als", "audio", "audio-shuffled", "neighbours", "prior")


def run() -> list[Result]:
    """Measure one evaluation."""
    rng = np.random.default_rng(0)
    interactions, tracks = plays(_USERS, _TRACKS, _ROWS, rng), catalog(_TRACKS)
    task = make_task(interactions, tracks, protocol="random")
    vectors = unit_vectors(_TRACKS, 128, rng)
    factors = [_factors(name, task, rng) for name in _NAMES]
    systems = [*factors, *_fusions(factors, task)]

    def whole() -> None:
        report = measure(systems, task, artists=tracks.artists, vectors=vectors)
        assert len(report.systems) == len(systems)

    def least() -> None:
        for system in [*factors, *factors[:2]]:
            scores = system.users @ system.items.T
            np.argpartition(-scores, _DEPTH, axis=1)

    times = interleave(whole, least, rounds=3, warm=False)
    name = "evaluation, 2,000 x 15,000 x 8 systems / products and argpartitions"
    return [Result(name, *times, limit="<= 3.00x")]


def _factors(name: str, task: Task, rng: np.random.Generator) -> Factors:
    users, items = len(task), len(task.candidates)
    vectors = unit_vectors(users, _WIDTH, rng), unit_vectors(items, _WIDTH, rng)
    return Factors(name, *vectors, np.ones(users, np.bool_), np.ones(items, np.bool_))


def _fusions(factors: list[Factors], task: Task) -> list[System]:
    ranked = {system.name: Ranking(system, task) for system in factors}
    return [
        Fusion(
            f"fusion{ending}",
            [ranked[name] for name in ("als", f"audio{ending}", "popularity")],
            [1.0, 1.0, 0.5],
            60,
        )
        for ending in ("", "-shuffled")
    ]
