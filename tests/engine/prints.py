"""Prints made of words drawn by lot, and what becomes of them."""

from __future__ import annotations

import numpy as np

from engine.duplicates import Duplicates, Recordings, build_index

SECOND = 12  # words


def draw(seed: int, seconds: float = 30) -> np.ndarray:
    """Return a print that no other resembles."""
    rng = np.random.default_rng(seed)
    return rng.integers(1, 2**32, round(seconds * SECOND), dtype=np.uint32)


def worn(words: np.ndarray, share: float = 0.08, *, seed: int = 0) -> np.ndarray:
    """Return a print with a share of its bits turned over, as by a codec."""
    turned = np.random.default_rng(seed).random((len(words), 32)) < share
    return words ^ np.packbits(turned, axis=1).view(np.uint32)[:, 0]


def known_duplicates(representatives: list[int]) -> Duplicates:
    """Return what a bundle would know of tracks of which these are the same recording."""
    words = {track: draw(100 + track) for track in set(representatives)}
    recordings = Recordings.of([worn(words[r], seed=i) for i, r in enumerate(representatives)])
    stands = np.array(representatives, np.int32)
    return Duplicates(stands, recordings, build_index(recordings))
