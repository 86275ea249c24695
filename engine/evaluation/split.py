"""One split of an evaluation: hold out, train on the rest, measure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from cf_model import CFConfig
from data.catalog import Catalog
from data.interactions import Interactions
from engine.evaluation.learned import Served
from engine.evaluation.lineup import Blend, line_up
from engine.evaluation.measuring import Measured, measure_split
from engine.evaluation.models import Choose, Models
from engine.evaluation.protocols import Fractions, given_task, make_task
from engine.evaluation.task import Task

FloatMatrix = npt.NDArray[np.float32]
Progress = Callable[[int, int, str], None]


@dataclass(frozen=True)
class Settings:
    """What an evaluation may vary, beside its protocol.

    Attributes
    ----------
    fractions : Fractions
        How much is held out.
    blend : Blend
        Settings of fusion, taste centres and content prior.
    held_out : Interactions, optional
        What is asked for, in the place of a part of the plays; the protocol is then "given".
    choose : callable, optional
        Chooses the settings of the models by the training part, which it is given; by default ALS
        is trained with those of the home.
    resamples : int
        Bootstrap resamples.
    level : float
        Coverage of the intervals; 1 minus the level of the tests.
    flips : int
        Random flips of signs, for the p-values.
    repeats : int
        Splits that are measured together, each by a seed of its own, from that of the evaluation
        on; see `engine.evaluation.scores.pool`.
    """

    fractions: Fractions = field(default_factory=Fractions)
    blend: Blend = field(default_factory=Blend)
    held_out: Interactions | None = None
    choose: Choose | None = None
    resamples: int = 1000
    level: float = 0.95
    flips: int = 10_000
    repeats: int = 1


@dataclass(frozen=True, eq=False)
class Found:
    """What one split said.

    Attributes
    ----------
    measured : Measured
    models : Models
        What was trained on plays, and how.
    skipped, notes : mapping of str to str
        Systems that could not run, and why; what else is to be said of a system.
    """

    measured: Measured
    models: Models
    skipped: Mapping[str, str]
    notes: Mapping[str, str]


@dataclass(frozen=True, eq=False)
class Plan:
    """What all splits have in common; the arguments are those of `engine.evaluation.evaluate`."""

    interactions: Interactions
    catalog: Catalog
    vectors: FloatMatrix | None
    protocol: str
    cf: CFConfig
    ks: tuple[int, ...]
    settings: Settings

    def run(self, seed: int, *, progress: Progress) -> Found:
        """Hold out by a seed, train on the rest, and measure."""
        settings = self.settings
        task = self._task(seed)
        models = Models(self.cf) if settings.choose is None else settings.choose(task.train)
        learnt, skipped = line_up(
            task,
            self.vectors,
            catalog=self.catalog,
            models=models,
            blend=settings.blend,
            seed=seed,
            progress=progress,
        )
        measured = measure_split(
            learnt,
            task,
            artists=self.catalog.artists,
            vectors=self.vectors,
            ks=self.ks,
            progress=progress,
        )
        notes = {s.name: s.note for s in learnt if isinstance(s, Served) and s.note}
        return Found(measured, models, skipped, notes)

    def _task(self, seed: int) -> Task:
        if self.settings.held_out is not None:
            return given_task(self.interactions, self.settings.held_out, seed=seed)
        fractions = self.settings.fractions
        return make_task(
            self.interactions, self.catalog, protocol=self.protocol, fractions=fractions, seed=seed
        )
