"""The sample's listeners as plays, for the tests of tuning."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd

from data import Catalog, Interactions
from data.sample.catalogue import sample_tracks, tracks_frame
from data.sample.listeners import simulate_listens

USERS = 60


@cache
def sample_plays(users: int = USERS) -> tuple[Catalog, Interactions]:
    """Return 48 tracks, and who played them when."""
    tracks = tracks_frame(sample_tracks(seed=7, styles=4, artists=4, tracks=3))
    listens = simulate_listens(tracks, users=users, rng=np.random.default_rng(7), events=30.0)
    listens = listens[listens["event"] == "listen"]
    catalog = Catalog.from_frame(tracks)
    at = pd.to_datetime(listens["listened_at"]).astype("int64") // 10**9
    return catalog, Interactions.from_frame(listens.assign(at=at), tracks=catalog.tracks)


def equal_counts(users: int = 30, tracks: int = 40) -> tuple[Catalog, Interactions]:
    """Return plays without times, each pair played once: half of the pairs, at random."""
    rng = np.random.default_rng(0)
    rows = [(f"u{u:03}", f"t{t:03}") for u in range(users) for t in range(tracks)]
    rows = [row for row in rows if rng.random() < 0.5]
    frame = pd.DataFrame(rows, columns=["user_id", "track_id"])
    catalog = Catalog.from_frame(pd.DataFrame({"track_id": [f"t{t:03}" for t in range(tracks)]}))
    return catalog, Interactions.from_frame(frame, tracks=catalog.tracks)
