"""Bundles that are broken, whatever they replace."""

from __future__ import annotations

import numpy as np

from engine.bundle import Bundle


def faults(bundle: Bundle) -> list[str]:
    """Say why a bundle must not be published; an empty list if it may be.

    Parameters
    ----------
    bundle : Bundle
        Opened, so its shapes and vocabularies are right already.

    Returns
    -------
    list of str
        One clause a fault.
    """
    found = []
    contents = bundle.contents
    if not len(contents.catalog):
        found.append("it has no tracks")
    acoustic = contents.acoustic
    if acoustic is not None and acoustic.known.sum() > 1:
        vectors = acoustic.embeddings[np.flatnonzero(acoustic.known)[:1_000]]
        if np.allclose(vectors, vectors[0], atol=1e-6):
            found.append("its embeddings are all the same: the encoder has collapsed")
    behaviour = contents.behaviour
    if behaviour is not None and contents.plays.any() and not behaviour.item_factors.any():
        found.append("its item factors are all zero: ALS learnt nothing")
    return found
