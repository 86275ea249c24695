"""A world of four styles, large enough to hold out users, artists and later plays of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cf_model.config import CFConfig
from data import Catalog, Interactions
from engine.behaviour import Lesson, train_behaviour
from engine.bundle import Acoustic, Bundle, BundleContents, write_bundle
from engine.config import EngineConfig, Sections
from engine.modelling import assemble
from engine.ranking import Recipe
from ranker.config import RankerConfig
from ranker.learning import LearningConfig

STYLES, TRACKS, USERS = 4, 240, 400
CF = CFConfig(factors=8, iterations=5, seed=3, threads=1)
FUSION = RankerConfig(blend="fusion")
SECTIONS = Sections(cf=CF, ranker=FUSION, engine=EngineConfig(tune_seconds=0))
RECIPE = Recipe(cf=CF, ranker=FUSION, learning=LearningConfig(trees=10, rounds=1), seed=CF.seed)


def catalog() -> Catalog:
    """Track i is of style i % 4, and of the artist i // 8 of that style: two tracks an artist."""
    rows = [(f"t{i:03}", f"Artist {i % STYLES}-{i // 8}") for i in range(TRACKS)]
    return Catalog.from_frame(pd.DataFrame(rows, columns=["track_id", "artist"]))


def plays_of(tracks: Catalog) -> Interactions:
    """User u plays 20 tracks of the style u % 4, and two of any."""
    rng = np.random.default_rng(1)
    rows = []
    for user in range(USERS):
        own = rng.choice(np.arange(user % STYLES, TRACKS, STYLES), 20, replace=False)
        played = np.unique(np.concatenate([own, rng.integers(TRACKS, size=2)]))
        rows += [(f"u{user:03}", f"t{track:03}", 1.0) for track in played]
    frame = pd.DataFrame(rows, columns=["user_id", "track_id", "count"])
    return Interactions.from_frame(frame, tracks=tracks.tracks)


def sound(*, width: int = 6, shuffled: bool = False, space: str = "imported") -> Acoustic:
    """One direction a style, and some noise; shuffled among the tracks, it says nothing."""
    rng = np.random.default_rng(width)
    vectors = np.eye(STYLES, width)[np.arange(TRACKS) % STYLES]
    vectors = vectors + rng.normal(0, 0.1, vectors.shape)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    if shuffled:
        rng.shuffle(vectors)
    return Acoustic(space, vectors.astype(np.float32), np.ones(TRACKS, bool))


@dataclass(frozen=True, eq=False)
class Styled:
    """Bundles of the world are made of parts that a test may spoil."""

    catalog: Catalog
    plays: Interactions

    def contents(self, acoustic: Acoustic | None, recipe: Recipe = RECIPE) -> BundleContents:
        lesson = Lesson(recipe.cf, recipe.prior)
        behaviour = train_behaviour(self.plays, self.catalog, acoustic, lesson=lesson)
        return assemble(
            self.plays, self.catalog, acoustic=acoustic, behaviour=behaviour, duplicates=None
        )

    def bundle(self, root: Path, contents: BundleContents, recipe: Recipe = RECIPE) -> Bundle:
        config: dict[str, Any] = {
            "cf": recipe.cf.model_dump(mode="json"),
            "prior": recipe.prior.model_dump(mode="json"),
        }
        return Bundle.open(root / write_bundle(root, contents, config=config))

    def old_schema(self, root: Path, contents: BundleContents) -> Bundle:
        """A bundle as a version wrote it that knew no prior, no neighbours and no ranker."""
        assert contents.behaviour is not None
        behaviour = replace(contents.behaviour, gram=None, prior=None, uncertainty=None)
        contents = replace(contents, behaviour=behaviour, neighbours=None, recent=None)
        config = {"cf": CF.model_dump(mode="json", exclude={"frequency_power"})}
        return Bundle.open(root / write_bundle(root, contents, config=config))


def styled_world() -> Styled:
    tracks = catalog()
    return Styled(tracks, plays_of(tracks))
