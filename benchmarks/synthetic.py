"""Made-up data of realistic shape; the same seed gives the same data."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from cf_model import CFConfig
from data.catalog import Catalog
from data.history import History
from data.interactions import Interactions
from data.vocabulary import Vocabulary
from engine.bundle import Acoustic, Behaviour, Bundle, BundleContents, write_bundle

Matrix = npt.NDArray[np.float32]

SINCE = 1_700_000_000  # Unix seconds


def ids(prefix: str, size: int) -> list[str]:
    """Return ids of one length, so that their order is that of their numbers."""
    return [f"{prefix}{i:08}" for i in range(size)]


def unit_vectors(size: int, width: int, rng: np.random.Generator) -> Matrix:
    """Return random directions, shape (size, width)."""
    vectors = rng.standard_normal((size, width), dtype=np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors


def popular_tracks(n_tracks: int, size: int, rng: np.random.Generator) -> npt.NDArray[np.int32]:
    """Draw tracks of which few are played often and most hardly ever."""
    return (n_tracks * rng.random(size) ** 3).astype(np.int32)


def plays(n_users: int, n_tracks: int, rows: int, rng: np.random.Generator) -> Interactions:
    """Return timed plays, some pairs several times."""
    return Interactions(
        Vocabulary(ids("u", n_users)),
        Vocabulary(ids("t", n_tracks)),
        rng.integers(n_users, size=rows, dtype=np.int32),
        popular_tracks(n_tracks, rows, rng),
        rng.geometric(0.3, rows).astype(np.float32),
        SINCE + rng.integers(10**7, size=rows),
    )


def listens_frame(n_users: int, n_tracks: int, rows: int, rng: np.random.Generator) -> pd.DataFrame:
    """Return the rows of a listens file: `user_id`, `track_id`, `count`."""
    return pd.DataFrame(
        {
            "user_id": np.array(ids("user-", n_users))[rng.integers(n_users, size=rows)],
            "track_id": np.array(ids("track-", n_tracks))[popular_tracks(n_tracks, rows, rng)],
            "count": rng.geometric(0.3, rows),
        }
    )


def catalog(n_tracks: int) -> Catalog:
    """Return tracks with title, artist (of ten tracks each) and genre."""
    columns = {
        "title": [f"Title of the track {i}" for i in range(n_tracks)],
        "artist": [f"Artist {i // 10}" for i in range(n_tracks)],
        "genre": [f"Genre {i % 12}" for i in range(n_tracks)],
    }
    return Catalog(Vocabulary(ids("t", n_tracks)), pa.table(columns))


def bundle(root: Path, n_tracks: int, *, n_users: int = 1_000, width: int = 128) -> Bundle:
    """Write a bundle of random factors and embeddings, both of one width, and open it."""
    rng = np.random.default_rng(0)
    contents = BundleContents(
        catalog=catalog(n_tracks),
        users=Vocabulary(ids("u", n_users)),
        listeners=rng.integers(1, n_users, n_tracks).astype(np.float32),
        plays=rng.integers(n_users, 10 * n_users, n_tracks).astype(np.float32),
        acoustic=Acoustic("made up", unit_vectors(n_tracks, width, rng), np.ones(n_tracks, bool)),
        behaviour=Behaviour(unit_vectors(n_users, width, rng), unit_vectors(n_tracks, width, rng)),
    )
    config = {"cf": CFConfig(factors=width).model_dump(mode="json")}
    return Bundle.open(root / write_bundle(root, contents, config=config), verify=False)


def history(n_tracks: int, size: int, rng: np.random.Generator) -> History:
    """Return the plays of one user."""
    tracks = np.sort(rng.choice(n_tracks, size, replace=False)).astype(np.int32)
    counts = rng.geometric(0.3, size).astype(np.float32)
    return History(tracks, counts, np.full(size, -1, np.int64))
