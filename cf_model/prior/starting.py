"""Where a new user starts: from chosen genres, until there are plays or seed tracks to fold in."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from data.errors import ParameterError

FloatArray = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int32]


def start_from_genres(
    genres: Sequence[IntArray], listeners: FloatArray, *, most: int = 20
) -> tuple[IntArray, FloatArray]:
    """Return a history that stands for chosen genres, to be folded in like any other.

    A genre is taken to be its most played tracks. All genres together are worth one play each,
    shared out among their tracks, so that a first real play already outweighs any of them.

    Parameters
    ----------
    genres : sequence of ndarray of int32
        The tracks of each genre (see `Catalog.genres`).
    listeners : ndarray of float32, shape (n_tracks,)
        Distinct users of each track; ones without are left out.
    most : int
        Tracks of each genre, at most; of equally played ones, the first.

    Returns
    -------
    tracks : ndarray of int32, shape (m,)
        Distinct, ascending.
    counts : ndarray of float32, shape (m,)
        Plays of each, above zero.

    Raises
    ------
    ParameterError
        If `most` is not above zero.
    """
    if most < 1:
        raise ParameterError(f"`most` must be a positive integer. Received: {most!r}.")
    shares = np.zeros(len(listeners), np.float32)
    for members in genres:
        played = members[listeners[members] > 0]
        chosen = played[np.argsort(-listeners[played], kind="stable")[:most]]
        shares[chosen] += np.float32(1 / max(chosen.size, 1))
    tracks = np.flatnonzero(shares).astype(np.int32)
    return tracks, shares[tracks]
