"""Which embeddings of the store are in use."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from audio_model.chunks import chunk_seconds
from audio_model.saved import read_description
from data.catalog import Catalog
from data.errors import BundleError
from data.store import Store
from data.vectors import unit_rows
from data.vocabulary import Vocabulary
from engine.bundle import Acoustic, BundleContents, Segments
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


def stored_acoustic(
    store: Store, space: str, catalog: Catalog, *, encoder: Path | None
) -> Acoustic | None:
    """Load one space as the acoustic part of a bundle; None if it knows no track of `catalog`."""
    embeddings, known = store.load_embeddings(space, catalog.tracks)
    if not known.any():
        return None
    segments = None if encoder is None else _stored_segments(store, space, catalog, encoder=encoder)
    return Acoustic(space, unit_rows(embeddings), known, encoder, segments)


def _stored_segments(
    store: Store, space: str, catalog: Catalog, *, encoder: Path
) -> Segments | None:
    """Load the chunks of all tracks; None if there are none, as an older version kept none."""
    vectors, offsets = store.load_segments(space, catalog.tracks)
    if not len(vectors):
        return None
    return Segments(vectors, offsets, chunk_seconds(read_description(encoder).config))


def stored_contents(store: Store, home: Home, config: EngineConfig) -> BundleContents:
    """Return what a home without a bundle can answer from: its tracks and their embeddings.

    Raises
    ------
    BundleError
        If no track is embedded.
    """
    catalog = store.load_catalog()
    space = space_in_use(store, home, config)
    encoder = None if space == IMPORTED else current_encoder(home)
    acoustic = None if space is None else stored_acoustic(store, space, catalog, encoder=encoder)
    if acoustic is None:
        raise BundleError(
            "There is no bundle yet, and no track is embedded. Make a bundle with `segue train`, "
            "or embed the tracks that have audio with `segue embed`."
        )
    nobody = np.zeros(len(catalog), np.float32)
    return BundleContents(catalog, Vocabulary([]), nobody, nobody, acoustic)
