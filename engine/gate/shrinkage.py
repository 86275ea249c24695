"""Bundles that lack most of what the one before knew.

A disk of sound files that was not mounted, or an import that broke off, makes a bundle that is
whole, and poor: nothing in it is wrong, and no slice of its own plays would show what is missing.
"""

from __future__ import annotations

import numpy as np

from engine.bundle import BundleContents


def shrinkage(new: BundleContents, old: BundleContents, *, most: float) -> list[str]:
    """Say what a bundle lost, next to the one that it replaces.

    Parameters
    ----------
    new, old : BundleContents
    most : float
        Share of each number that it may lose; with 1 nothing is said.

    Returns
    -------
    list of str
        One clause for each number that fell further.
    """
    before, after = _sizes(old), _sizes(new)
    return [
        f"it has {after[name]:,} {name}, the current bundle has {before[name]:,}: more than "
        f"{most:.0%} are lost (`engine.gate_loss`)"
        for name in before
        if after[name] < before[name] * (1 - most)
    ]


def _sizes(contents: BundleContents) -> dict[str, int]:
    """Return how much a bundle knows, by the name of what."""
    acoustic, duplicates = contents.acoustic, contents.duplicates
    tracks = len(contents.catalog)
    stands = np.arange(tracks) if duplicates is None else duplicates.representatives
    return {
        "tracks": tracks,
        "distinct recordings": int((stands == np.arange(tracks)).sum()),
        "tracks with an embedding": 0 if acoustic is None else int(acoustic.known.sum()),
        "users": len(contents.users),
        "plays": round(float(contents.plays.sum(dtype=np.float64))),
    }
