"""Which artists training may hear, and which it is measured on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from data.errors import DataError, ParameterError

IntArray = npt.NDArray[np.int64]

MIN_TRACKS = 4
"""An artist with fewer tracks is never a question: there would be too little to find."""


@dataclass(frozen=True)
class ArtistSplit:
    """Tracks by side; no artist is on both.

    Attributes
    ----------
    artists : ndarray of int64, shape (n,)
        Code of each track's artist; -1 where it is unknown.
    test, train : ndarray of int64
        Positions of the tracks, ascending. A track of unknown artist is on neither side: it may
        be by anyone.
    eligible : int
        Artists that could have been held out.
    """

    artists: IntArray
    test: IntArray
    train: IntArray
    eligible: int


def label_codes(names: Sequence[str | None]) -> IntArray:
    """Return one code a name, shape (n,), int64; -1 where there is none.

    Case and spaces around a name don't count: two spellings of one artist must not end up on
    two sides.
    """
    keys = [(name or "").strip().casefold() for name in names]
    codes = {key: code for code, key in enumerate(sorted(set(keys) - {""}))}
    return np.array([codes.get(key, -1) for key in keys], dtype=np.int64)


def split_artists(
    names: Sequence[str | None],
    *,
    fraction: float = 0.4,
    min_tracks: int = MIN_TRACKS,
    seed: int = 0,
) -> ArtistSplit:
    """Hold out a share of the artists with enough tracks, all of their tracks at once.

    Parameters
    ----------
    names : sequence of str or None
        The artist of each track.
    fraction : float
        Share, between 0 and 1, of the artists with `min_tracks` or more; at least two are taken.
    min_tracks : int
        See `fraction`.
    seed : int
        Decides which.

    Returns
    -------
    ArtistSplit

    Raises
    ------
    ParameterError
        If the fraction is out of range.
    DataError
        If fewer than two artists have enough tracks, or no other artist is left to train on.
    """
    if not 0 < fraction < 1:
        raise ParameterError(f"`test_fraction` must lie between 0 and 1. Received: {fraction!r}.")
    artists = label_codes(names)
    counts = np.bincount(artists[artists >= 0])
    eligible = np.flatnonzero(counts >= min_tracks)
    size = max(2, round(fraction * len(eligible)))
    if len(eligible) < 2 or size >= len(counts):
        raise DataError(
            f"Two artists of {min_tracks} or more tracks with usable sound are needed to measure "
            f"on, and others to train on. Received: {len(eligible)} of such, among {len(counts)} "
            "in all. Import more tracks that have `artist` and `audio_path`."
        )
    held_out = np.random.default_rng(seed).choice(eligible, size, replace=False)
    tested = np.isin(artists, held_out)
    train = np.flatnonzero(~tested & (artists >= 0))
    return ArtistSplit(artists, np.flatnonzero(tested), train, len(eligible))
