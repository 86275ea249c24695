"""The behavioural half of training: ALS factors, or those of the bundle before."""

from __future__ import annotations

import numpy as np

from cf_model.als import train_als
from cf_model.config import CFConfig
from data.catalog import Catalog
from data.interactions import Interactions
from data.vocabulary import Vocabulary
from engine.bundle import Behaviour, Bundle
from engine.training.sound import Progress


def train_behaviour(
    plays: Interactions, config: CFConfig, *, progress: Progress | None = None
) -> Behaviour | None:
    """Train ALS; None where there is not one play to learn from."""
    if not len(plays):
        return None
    rng = np.random.default_rng(config.seed)
    model = train_als(plays, config, rng=rng, progress=progress)
    return Behaviour(model.user_factors, model.item_factors)


def inherit_behaviour(parent: Bundle, catalog: Catalog, users: Vocabulary) -> Behaviour | None:
    """Take the factors of another bundle over to other vocabularies; zeros for what is new."""
    if parent.contents.behaviour is None:
        return None
    old = parent.contents.behaviour
    return Behaviour(
        _realign(old.user_factors, parent.contents.users, users),
        _realign(old.item_factors, parent.contents.catalog.tracks, catalog.tracks),
    )


def _realign(
    factors: np.ndarray[tuple[int, int], np.dtype[np.float32]], old: Vocabulary, new: Vocabulary
) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    rows = old.indices(new.arrow)
    taken = np.zeros((len(new), factors.shape[1]), np.float32)
    taken[rows >= 0] = factors[rows[rows >= 0]]
    return taken
