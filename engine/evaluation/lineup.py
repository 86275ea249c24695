"""Which systems are tested, and which are compared with which."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from cf_model import CFConfig
from engine.evaluation import systems as build
from engine.evaluation.systems import System
from engine.evaluation.task import Task
from ranker.config import RankerConfig

FloatMatrix = npt.NDArray[np.float32]
Progress = Callable[[int, int, str], None]

BASELINE = "als"
"""What every other system is compared with."""

CONTROL = "-shuffled"
"""Ending of the name of a system's control."""


def line_up(
    task: Task,
    embeddings: FloatMatrix | None,
    *,
    cf: CFConfig,
    ranker: RankerConfig,
    seed: int,
    progress: Progress | None,
) -> tuple[list[System], dict[str, str]]:
    """Train the systems; return them, and why those missing are missing."""
    popular = build.popularity(task)
    als = build.als(task, cf, rng=np.random.default_rng([seed, cf.seed]), progress=progress)
    parts = {"als": build.Ranking(als, task), "popularity": build.Ranking(popular, task)}
    if embeddings is None:
        why = "no track has an embedding. Run `segue embed`, or import embeddings."
        missing = ("audio", f"audio{CONTROL}", f"fusion{CONTROL}")
        return [popular, als, _fuse("fusion", parts, ranker)], dict.fromkeys(missing, why)
    dealt = build.shuffle_embeddings(embeddings, rng=np.random.default_rng([seed, 1]))
    systems = [popular, als]
    for ending, vectors in (("", embeddings), (CONTROL, dealt)):
        audio = build.audio(task, vectors, name=f"audio{ending}")
        with_audio = {**parts, "audio": build.Ranking(audio, task)}
        systems += [audio, _fuse(f"fusion{ending}", with_audio, ranker)]
    return systems, {}


def _fuse(name: str, parts: Mapping[str, build.Ranking], ranker: RankerConfig) -> System:
    # The blend's settings know the signals by the names of their retrievers.
    signals = {"als": "cf", "audio": "audio", "popularity": "popular"}
    weights = [ranker.weight(signals[part]) for part in parts]
    return build.Fusion(name, list(parts.values()), weights, ranker.rrf_k)


def pairs(systems: Sequence[str]) -> list[tuple[str, str]]:
    """Return which systems are compared: each with the baseline, and each with its control."""
    against = [(name, BASELINE) for name in systems if name != BASELINE]
    return against + [(n, n + CONTROL) for n in systems if n + CONTROL in systems]
