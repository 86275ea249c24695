"""A world in which sound says everything: factors are a smooth function of where a track lies."""

from __future__ import annotations

import numpy as np

from data.vectors import unit_rows

TRACKS, USERS, WIDTH, FACTORS = 300, 80, 6, 3


def make_world(seed: int = 0, noise: float = 0.05):
    """Make embeddings (300, 6), item factors (300, 3), and user factors (80, 3).

    Both come from the same two places of a track on a circle; the last 50 have no factor.
    """
    rng = np.random.default_rng(seed)
    angle = rng.uniform(0, 2 * np.pi, TRACKS)
    circle = np.stack([np.cos(angle), np.sin(angle), np.ones(TRACKS)], axis=1)
    embeddings = unit_rows(circle @ rng.normal(size=(3, WIDTH))).astype(np.float32)
    shape = np.stack([np.cos(2 * angle), np.sin(angle), np.ones(TRACKS)], axis=1)
    items = (shape + noise * rng.normal(size=shape.shape)).astype(np.float32)
    users = rng.normal(size=(USERS, FACTORS)).astype(np.float32)
    return embeddings, items, users
