"""A small world that every test of the engine shares: 12 tracks, 4 artists, 2 tastes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cf_model.als import train_als
from cf_model.config import CFConfig
from data import Catalog, Interactions
from engine.bundle import Acoustic, Behaviour, Bundle, BundleContents, Segments, write_bundle
from engine.config import Sections

TRACKS = 12
CF = CFConfig(factors=4, iterations=10, seed=3)


@dataclass(frozen=True)
class World:
    """Even tracks are loud, odd ones are quiet; users u0..u5 like loud, u6..u11 quiet.

    Track t11 is quiet and was never played; t10 has no embedding.
    """

    catalog: Catalog
    plays: Interactions
    contents: BundleContents
    sections: Sections

    def bundle(self, root: Path, **options: object) -> Bundle:
        config = self.sections.model_dump(mode="json", exclude={"data"})
        bundle_id = write_bundle(root, self.contents, config=config, **options)  # type: ignore[arg-type]
        return Bundle.open(root / bundle_id)


def make_catalog() -> Catalog:
    return Catalog.from_frame(
        pd.DataFrame(
            {
                "track_id": [f"t{i:02}" for i in range(TRACKS)],
                "title": [f"Track {i}" for i in range(TRACKS)],
                "artist": [f"Artist {i % 4}" for i in range(TRACKS)],
                "genre": ["Loud|Rock" if i % 2 == 0 else "Quiet" for i in range(TRACKS)],
            }
        )
    )


def make_plays(catalog: Catalog) -> Interactions:
    rows = []
    for user in range(12):
        side = 0 if user < 6 else 1
        for track in range(side, 11, 2):
            if (user + track) % 5:  # everybody leaves something out
                rows.append((f"u{user:02}", f"t{track:02}", 1 + (user * track) % 3))
    frame = pd.DataFrame(rows, columns=["user_id", "track_id", "count"])
    return Interactions.from_frame(frame, tracks=catalog.tracks)


def make_embeddings(seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    centres = np.array([[1, 0, 0, 0], [0, 1, 0, 0]], np.float32)
    vectors = centres[np.arange(TRACKS) % 2] + rng.normal(0, 0.1, (TRACKS, 4))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    vectors[10] = 0
    return vectors.astype(np.float32)


def make_segments() -> Segments:
    """Give t10 and t11 no chunks, every other track i two, of 30 s: those of i % 2 and i % 3."""
    sounds = np.eye(4, dtype=np.float16)
    pairs = [sounds[[i % 2, i % 3]] for i in range(TRACKS - 2)]
    offsets = np.minimum(np.arange(TRACKS + 1), TRACKS - 2) * 2
    return Segments(np.concatenate(pairs), offsets, 30.0)


@pytest.fixture(scope="session")
def world() -> World:
    catalog = make_catalog()
    plays = make_plays(catalog)
    model = train_als(plays, CF, rng=np.random.default_rng(3))
    matrix = plays.matrix()
    contents = BundleContents(
        catalog=catalog,
        users=plays.users,
        listeners=np.bincount(matrix.indices, minlength=TRACKS).astype(np.float32),
        plays=np.asarray(matrix.sum(axis=0), np.float32).ravel(),
        acoustic=Acoustic("imported", make_embeddings(), np.arange(TRACKS) != 10),
        behaviour=Behaviour(model.user_factors, model.item_factors),
    )
    return World(catalog, plays, contents, Sections(cf=CF))


def with_segments(contents: BundleContents) -> BundleContents:
    assert contents.acoustic is not None
    return replace(contents, acoustic=replace(contents.acoustic, segments=make_segments()))


@pytest.fixture
def bundle(world: World, tmp_path: Path) -> Bundle:
    return world.bundle(tmp_path / "bundles")
