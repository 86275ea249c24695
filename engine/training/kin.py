"""What a catalogue, and the plays of its tracks, say of which tracks belong together."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from audio_model.config import AudioConfig
from audio_model.heard_names import name_key
from audio_model.kin import Kin, label_codes
from cf_model.together import played_together
from data.catalog import Catalog
from data.store import Store

LISTENERS = "listeners"
"""The entry of `audio.positives` that asks for plays."""


def catalog_kin(
    catalog: Catalog,
    rows: npt.NDArray[np.integer],
    config: AudioConfig,
    *,
    together: sp.csr_matrix | None = None,
) -> Kin:
    """Return which of some tracks belong together, by all that `audio.positives` names.

    Parameters
    ----------
    catalog : Catalog
    rows : ndarray of int, shape (n,)
        The tracks, by their place in the catalogue.
    config : AudioConfig
    together : csr_matrix of bool, shape (n_tracks, n_tracks), optional
        Who is played by the same people, see `listened_together`.
    """
    artists, albums = (
        [name_key(name) for name in catalog.column(column).take(rows).to_pylist()]
        for column in ("artist", "album")
    )
    names = {"artist": artists, "album": _own_albums(artists, albums)}
    labels = tuple(label_codes(names[by]) for by in config.positives if by in names)
    return Kin(labels, None if together is None else together[rows][:, rows].tocsr())


def _own_albums(artists: Sequence[str], albums: Sequence[str]) -> list[str]:
    """Return names of albums with their artists: many are called "Greatest Hits"."""
    return [f"{album}\n{by}" if album else "" for by, album in zip(artists, albums, strict=True)]


def listened_together(
    store: Store,
    catalog: Catalog,
    config: AudioConfig,
    *,
    say: Callable[[str], None] = lambda _: None,
) -> sp.csr_matrix | None:
    """Return which tracks the same people play, if `audio.positives` asks for it, else None.

    How many pairs there are is said; also, if there are none.
    """
    if LISTENERS not in config.positives:
        return None
    plays = store.load_feedback(catalog.tracks).plays
    found = played_together(plays.matrix())
    pairs = found.nnz // 2
    if pairs:
        say(f"Played by the same people: {pairs:,} pairs of tracks.")
        return found
    say(
        "`audio.positives` names 'listeners', but no two tracks share enough of them: "
        f"there are {len(plays):,} plays. Training goes on without."
    )
    return None
