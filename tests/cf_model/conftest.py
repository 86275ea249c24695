"""Small matrices of plays."""

from __future__ import annotations

import numpy as np
import pytest

from data.interactions import Interactions
from data.vocabulary import Vocabulary


def make_interactions(plays: np.ndarray) -> Interactions:
    """Make interactions of a dense matrix of plays, shape (users, tracks)."""
    user, track = np.nonzero(plays)
    return Interactions(
        Vocabulary([f"u{i}" for i in range(plays.shape[0])]),
        Vocabulary([f"t{i}" for i in range(plays.shape[1])]),
        user,
        track,
        plays[user, track],
        np.full(user.size, -1),
    )


@pytest.fixture
def checkerboard() -> Interactions:
    """12 users x 8 tracks: even users play even tracks, odd users odd ones, three times each."""
    users, tracks = np.indices((12, 8))
    return make_interactions(np.where((users + tracks) % 2 == 0, 3.0, 0.0))


@pytest.fixture
def plays() -> Interactions:
    """40 users x 30 tracks, a fifth played; user 7 and track 11 have no plays."""
    rng = np.random.default_rng(5)
    counts = rng.integers(1, 60, (40, 30)) * (rng.random((40, 30)) < 0.2)
    counts[7] = 0
    counts[:, 11] = 0
    return make_interactions(counts.astype(np.float64))
