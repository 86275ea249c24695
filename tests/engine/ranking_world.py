"""A world in which one signal is right for one half of the tracks, another for the other half."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from cf_model import CFConfig
from data import Catalog, Interactions
from engine.bundle import Acoustic
from engine.ranking import Recipe
from ranker.config import RankerConfig
from ranker.learning import LearningConfig

USERS = 240
SHARED, ODD = 64, 360  # tracks that groups share, and tracks for a single ear
_GROUPS, _WIDTH = 8, 12

RECIPE = Recipe(
    cf=CFConfig(factors=12, iterations=8, threads=1),
    ranker=RankerConfig(quota=40),
    learning=LearningConfig(rounds=1, trees=40, patience=10, rows_in_leaf=20, learning_rate=0.1),
)


@dataclass(frozen=True)
class TwoHalves:
    """Tracks s0.. are played by whole groups of users, and nobody knows how they sound.

    Tracks o0.. are played by hardly anybody, but each user plays those that sound nearest to a
    place of the user's own.
    """

    catalog: Catalog
    plays: Interactions
    acoustic: Acoustic


def two_halves(*, noise: bool = False, users: int = USERS, days: int = 0) -> TwoHalves:
    """Make the world; of pure noise, if so asked; with times over some days, if there are any."""
    rng = np.random.default_rng(11)
    ids = [f"s{i:03}" for i in range(SHARED)] + [f"o{i:03}" for i in range(ODD)]
    artists = [f"artist {i % 16}" for i in range(SHARED)] + [f"odd {i // 4}" for i in range(ODD)]
    catalog = Catalog.from_frame(pd.DataFrame({"track_id": ids, "artist": artists}))
    sounds = _unit(rng.standard_normal((SHARED + ODD, _WIDTH)))
    rows = []
    for user in range(users):
        group = np.arange(SHARED) % _GROUPS == user % _GROUPS
        shared = rng.choice(np.flatnonzero(group), 6, replace=False)
        near = np.argsort(-sounds[SHARED:] @ _unit(rng.standard_normal(_WIDTH)))[:9]
        played = [*shared, *(SHARED + rng.choice(near, 7, replace=False))]
        if noise:
            played = rng.choice(SHARED + ODD, 13, replace=False).tolist()
        rows += [(f"u{user:03}", ids[track]) for track in played]
    frame = pd.DataFrame(rows, columns=["user_id", "track_id"])
    if days:
        frame["at"] = rng.integers(0, days * 86_400, len(frame))
    plays = Interactions.from_frame(frame, tracks=catalog.tracks)
    order = [ids.index(track) for track in catalog.tracks]
    known = np.array(order) >= SHARED
    vectors = np.where(known[:, np.newaxis], sounds[order], 0).astype(np.float32)
    return TwoHalves(catalog, plays, Acoustic("imported", vectors, known))


def _unit(vectors: np.ndarray) -> np.ndarray:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=-1, keepdims=True))
