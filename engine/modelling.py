"""From plays to the parts of a bundle that are learnt from plays."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from cf_model.neighbours import train_neighbours
from data.catalog import Catalog
from data.interactions import Interactions
from data.recent import recent_listeners
from engine.bundle.contents import Acoustic, Behaviour, BundleContents
from engine.duplicates import Duplicates

NEIGHBOURS = 100
"""Item neighbours of each track that a bundle keeps: 800 bytes a track."""


def assemble(
    plays: Interactions,
    catalog: Catalog,
    *,
    acoustic: Acoustic | None,
    behaviour: Behaviour | None,
    duplicates: Duplicates | None,
) -> BundleContents:
    """Put the parts of a bundle together, those that only need counting among them.

    Parameters
    ----------
    plays : Interactions
        What `behaviour` was learnt from.
    catalog : Catalog
        Of the same tracks.
    acoustic, behaviour, duplicates
        As in `BundleContents`.
    """
    return BundleContents(
        catalog,
        plays.users,
        *popularity(plays),
        acoustic,
        behaviour,
        duplicates,
        recent=recent_listeners(plays),
        neighbours=train_neighbours(plays.matrix(), width=NEIGHBOURS) if len(plays) else None,
    )


def popularity(
    plays: Interactions,
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Count the listeners and the plays of each track, both of shape (n_tracks,)."""
    matrix = plays.matrix()
    listeners = np.bincount(matrix.indices, minlength=matrix.shape[1]).astype(np.float32)
    return listeners, np.asarray(matrix.sum(axis=0), dtype=np.float32).ravel()
