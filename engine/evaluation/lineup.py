"""Which systems are tested, and which are compared with which."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from cf_model import ALSModel, CFConfig
from cf_model.prior import PriorConfig
from data.catalog import Catalog
from engine.evaluation import learning
from engine.evaluation.learned import learned
from engine.evaluation.models import Models
from engine.evaluation.systems import Fusion, Ranking, System
from engine.evaluation.task import Task
from engine.ranking import Recipe
from engine.taste import TasteConfig
from ranker.config import RankerConfig
from ranker.learning import LearningConfig

FloatMatrix = npt.NDArray[np.float32]
Progress = Callable[[int, int, str], None]

BASELINE = "als"
"""What every other system is compared with."""

CONTROL = "-shuffled"
"""Ending of the name of a system's control."""

LEARNED = "blend"
"""The learned ranker, asked as it is served."""

TEXTBOOK = "fusion-plain"
"""Reciprocal-rank fusion as Cormack et al. publish it: no signal weighs more than another."""

_TEXTBOOK_K = 60.0

_ALSO = (
    ("als-sound", "audio-mean"),
    ("audio", "audio-mean"),
    (LEARNED, "fusion"),
    (LEARNED, TEXTBOOK),
    (LEARNED, "als-sound"),
    (LEARNED, "audio"),
    (LEARNED, "popularity"),
)
"""Further pairs that are compared."""

_OF_SOUND = ("audio-mean", "audio", "als-sound", "fusion")


@dataclass(frozen=True)
class Blend:
    """Settings of what is not learnt from plays alone.

    Attributes
    ----------
    ranker : RankerConfig
        Its weights and constant are those of the fusion.
    taste : TasteConfig
    prior : PriorConfig
    learning : LearningConfig
        Of the learned ranker.
    """

    ranker: RankerConfig = field(default_factory=RankerConfig)
    taste: TasteConfig = field(default_factory=TasteConfig)
    prior: PriorConfig = field(default_factory=PriorConfig)
    learning: LearningConfig = field(default_factory=LearningConfig)

    def recipe(self, cf: CFConfig, seed: int) -> Recipe:
        """Return how the learned ranker and its models are made."""
        return Recipe(cf, self.prior, self.taste, self.ranker, self.learning, seed)


def line_up(
    task: Task,
    vectors: FloatMatrix | None,
    *,
    catalog: Catalog,
    models: Models,
    blend: Blend,
    seed: int,
    progress: Progress | None = None,
) -> tuple[list[System], dict[str, str]]:
    """Train the systems; return them, and why those missing are missing.

    Parameters
    ----------
    task : Task
    vectors : ndarray of float32, shape (t, d), optional
        Embeddings of length 1; a zero row for a track without one.
    catalog : Catalog
    models : Models
        What is learnt from plays, and how.
    blend : Blend
    seed : int
        Of first factors, of the prior's folds, and of the shuffle.
    progress : callable, optional
        Told (done, total, what).
    """
    popular = learning.popularity(task)
    systems: list[System] = [popular, learning.neighbours(task, models.walk)]
    if models.penalty is not None:
        systems.append(learning.ease(task, models.penalty))
    if models.plain is not None:
        plain = learning.learn_als(task.train, models.plain, seed=seed, progress=progress)
        systems.append(learning.als(task, plain, name="als-plain"))
    model = learning.learn_als(task.train, models.cf, seed=seed, progress=progress)
    als = learning.als(task, model)
    systems.append(als)
    if task.protocol == "new-user":
        systems.append(learning.refit(task, models.cf, seed=seed, progress=progress))
    parts = {"als": Ranking(als, task), "popularity": Ranking(popular, task)}
    if vectors is None:
        why = "no track has an embedding. Run `segue embed`, or import embeddings."
        skipped = dict.fromkeys(_OF_SOUND[:-1], why)
        skipped |= {f"{n}{CONTROL}": why for n in (*_OF_SOUND, LEARNED) if n != "audio-mean"}
        systems += [_fuse("fusion", parts, blend.ranker), _fuse_plainly(parts)]
        return systems, skipped | _learn(
            systems, task, catalog, None, blend.recipe(models.cf, seed), ""
        )
    lesson = _Lesson(task, model, catalog, models, blend, seed, parts)
    systems.append(learning.audio_mean(task, vectors))
    skipped = lesson.hear(systems, vectors, "")
    dealt = learning.shuffle_embeddings(vectors, rng=np.random.default_rng([seed, 1]))
    return systems, skipped | lesson.hear(systems, dealt, CONTROL)


@dataclass(frozen=True)
class _Lesson:
    """Makes the systems that hear, for the true vectors and again for the shuffled ones."""

    task: Task
    model: ALSModel
    catalog: Catalog
    models: Models
    blend: Blend
    seed: int
    parts: Mapping[str, Ranking]

    def hear(self, systems: list[System], vectors: FloatMatrix, ending: str) -> dict[str, str]:
        audio = learning.audio(self.task, vectors, self.blend.taste, name=f"audio{ending}")
        sound = learning.als_sound(
            self.task,
            self.model,
            vectors,
            artists=self.catalog.artists,
            config=self.blend.prior,
            seed=self.seed,
            name=f"als-sound{ending}",
        )
        parts = {**self.parts, "audio": Ranking(audio, self.task)}
        systems.append(audio)
        if sound is not None:
            parts["als"] = Ranking(sound, self.task)
            systems.append(sound)
        systems.append(_fuse(f"fusion{ending}", parts, self.blend.ranker))
        if not ending:
            systems.append(_fuse_plainly(parts))
        few = "too few tracks have both plays and an embedding to learn from."
        skipped = {} if sound else {f"als-sound{ending}": few}
        recipe = self.blend.recipe(self.models.cf, self.seed)
        return skipped | _learn(systems, self.task, self.catalog, vectors, recipe, ending)


def _learn(
    systems: list[System],
    task: Task,
    catalog: Catalog,
    vectors: FloatMatrix | None,
    recipe: Recipe,
    ending: str,
) -> dict[str, str]:
    """Add the learned ranker; say why, where there is none."""
    found = learned(task, catalog, vectors, recipe=recipe, name=f"{LEARNED}{ending}")
    if isinstance(found, str):
        return {f"{LEARNED}{ending}": found}
    systems.append(found)
    return {}


def _fuse(name: str, parts: Mapping[str, Ranking], ranker: RankerConfig) -> System:
    # The blend's settings know the signals by the names of their retrievers.
    signals = {"als": "cf", "audio": "audio", "popularity": "popular"}
    weights = [ranker.weight(signals[part]) for part in parts]
    return Fusion(name, list(parts.values()), weights, ranker.rrf_k)


def _fuse_plainly(parts: Mapping[str, Ranking]) -> System:
    return Fusion(TEXTBOOK, list(parts.values()), [1.0] * len(parts), _TEXTBOOK_K)


def pairs(systems: Sequence[str]) -> list[tuple[str, str]]:
    """Return which systems are compared.

    Each with the baseline, each with its control, and what sound adds with the plainest use of it.
    """
    against = [(name, BASELINE) for name in systems if name != BASELINE]
    controls = [(n, n + CONTROL) for n in systems if n + CONTROL in systems]
    also = [(one, other) for one, other in _ALSO if {one, other} <= set(systems)]
    return against + controls + also
