"""Which embeddings of the store are in use."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from data.store import Store
from data.vocabulary import Vocabulary
from engine.config import EngineConfig
from engine.encoders import current_encoder
from engine.home import Home

IMPORTED = "imported"
"""Name of the embedding space that a team brings along."""


def space_in_use(store: Store, home: Home, config: EngineConfig) -> str | None:
    """Return the embedding space that a training would use now; None if there is none."""
    spaces = store.spaces()
    if config.embeddings != "encoder" and IMPORTED in spaces:
        return IMPORTED
    directory = None if config.embeddings == "imported" else current_encoder(home)
    # An encoder is kept under its fingerprint, which is the name of its space, too.
    return directory.name if directory is not None and directory.name in spaces else None


def embeddings_in_use(
    store: Store, home: Home, config: EngineConfig, *, tracks: Vocabulary
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.bool_]] | None:
    """Load the embeddings in use, shape (n_tracks, d), and which tracks have one, (n_tracks,)."""
    space = space_in_use(store, home, config)
    return None if space is None else store.load_embeddings(space, tracks)
