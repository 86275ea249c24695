"""Which systems are tested, and which are compared with which."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import numpy.typing as npt

from cf_model import CFConfig
from engine.evaluation import systems as build
from engine.evaluation.protocols import Task
from engine.evaluation.systems import System
from ranker.config import RankerConfig

FloatMatrix = npt.NDArray[np.float32]
Progress = Callable[[int, int, str], None]

BASELINE = "als"
"""What every other system is compared with."""

CONTROL = "-shuffled"
"""Ending of the name of a system's control."""

_SIGNALS = {"als": "cf", "audio": "audio", f"audio{CONTROL}": "audio", "popularity": "popular"}
"""What the blend's settings call the parts of the fusion."""


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
    fuse = partial(_fuse, task, ranker)
    if embeddings is None:
        why = "no track has an embedding. Run `segue embed`, or import embeddings."
        missing = ("audio", f"audio{CONTROL}", f"fusion{CONTROL}")
        return [popular, als, fuse("fusion", [als, popular])], dict.fromkeys(missing, why)
    audio = build.audio(task, embeddings)
    dealt = build.shuffle_embeddings(embeddings, rng=np.random.default_rng([seed, 1]))
    control = build.audio(task, dealt, name=f"audio{CONTROL}")
    fused = fuse("fusion", [als, audio, popular])
    fused_control = fuse(f"fusion{CONTROL}", [als, control, popular])
    return [popular, als, audio, fused, control, fused_control], {}


def _fuse(task: Task, ranker: RankerConfig, name: str, parts: list[System]) -> System:
    weights = [ranker.weight(_SIGNALS[part.name]) for part in parts]
    return build.Fusion(name, task, parts, weights=weights, rrf_k=ranker.rrf_k)


def pairs(systems: Sequence[str]) -> list[tuple[str, str]]:
    """Return which systems are compared: each with the baseline, and each with its control."""
    against = [(name, BASELINE) for name in systems if name != BASELINE]
    return against + [(n, n + CONTROL) for n in systems if n + CONTROL in systems]
