"""Which tracks are asked for, and which of the others an encoder may be trained on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from audio_model.kin import label_codes
from data.errors import DataError, ParameterError

IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

MIN_TRACKS = 4
"""An artist with fewer tracks is never a question: there would be too little to find."""


@dataclass(frozen=True)
class Fold:
    """Tracks by side; no artist is on both.

    Attributes
    ----------
    asked, train : ndarray of int64
        Positions of the tracks, ascending. A track of unknown artist is on neither side: it may
        be by anyone.
    """

    asked: IntArray
    train: IntArray


@dataclass(frozen=True)
class Plan:
    """What is asked, in how many folds.

    Attributes
    ----------
    artists : ndarray of int64, shape (n,)
        Code of each track's artist; -1 where it is unknown.
    folds : tuple of Fold
        No artist is asked for in two.
    eligible : int
        Artists with enough tracks to be asked for.
    heard : int
        How many of these are never asked for, since an encoder heard them.
    """

    artists: IntArray
    folds: tuple[Fold, ...]
    eligible: int
    heard: int

    @property
    def asked(self) -> IntArray:
        """Positions of all tracks that are asked for, ascending."""
        return np.sort(np.concatenate([fold.asked for fold in self.folds]))


def ask_everyone(
    names: Sequence[str | None], *, heard: BoolArray, min_tracks: int = MIN_TRACKS
) -> Plan:
    """Ask for all artists with enough tracks that no encoder heard; nothing is left to train on.

    Parameters
    ----------
    names : sequence of str or None, length n
        The artist of each track.
    heard : ndarray of bool, shape (n,)
        The tracks that tell of an artist that some encoder heard.
    min_tracks : int
        How many tracks are enough.

    Returns
    -------
    Plan
        Of one fold.

    Raises
    ------
    DataError
        If fewer than two artists can be asked for.
    """
    artists = label_codes(names)
    eligible, free = _free(artists, heard, min_tracks)
    if len(free) < 2:
        raise _too_few(eligible, free, artists, min_tracks)
    fold = Fold(np.flatnonzero(np.isin(artists, free)), np.empty(0, np.int64))
    return Plan(artists, (fold,), len(eligible), len(eligible) - len(free))


def hold_out(
    names: Sequence[str | None],
    *,
    heard: BoolArray,
    folds: int = 1,
    fraction: float = 0.4,
    min_tracks: int = MIN_TRACKS,
    seed: int = 0,
) -> Plan:
    """Hold out artists with enough tracks, all of their tracks at once.

    Parameters
    ----------
    names, heard, min_tracks
        See `ask_everyone`.
    folds : int
        1 holds out a share of the artists; more deal all of them to so many folds, so that each
        is asked for exactly once.
    fraction : float
        That share, between 0 and 1; at least two artists are taken.
    seed : int
        Decides which.

    Returns
    -------
    Plan
        A fold trains on every track of known artist whose artist it does not ask for.

    Raises
    ------
    ParameterError
        If the fraction or the number of folds is out of range.
    DataError
        If there are too few artists, or none is left to train on.
    """
    if not 0 < fraction < 1:
        raise ParameterError(f"`test_fraction` must lie between 0 and 1. Received: {fraction!r}.")
    if folds < 1:
        raise ParameterError(f"`folds` must be a positive integer. Received: {folds!r}.")
    artists = label_codes(names)  # two spellings of one artist must not end up on two sides
    eligible, free = _free(artists, heard, min_tracks)
    size = max(2, round(fraction * len(free))) if folds == 1 else -(-len(free) // folds)
    if len(free) < max(2, folds) or size >= artists.max(initial=-1) + 1:
        raise _too_few(eligible, free, artists, min_tracks)
    rng = np.random.default_rng(seed)
    if folds == 1:
        groups = [rng.choice(free, size, replace=False)]
    else:
        groups = np.array_split(rng.permutation(free), folds)
    return Plan(
        artists,
        tuple(_fold(artists, group) for group in groups),
        len(eligible),
        len(eligible) - len(free),
    )


def _free(artists: IntArray, heard: BoolArray, min_tracks: int) -> tuple[IntArray, IntArray]:
    """Return the artists with enough tracks, and those of them that nobody heard."""
    eligible = np.flatnonzero(np.bincount(artists[artists >= 0]) >= min_tracks)
    return eligible, np.setdiff1d(eligible, artists[heard])


def _fold(artists: IntArray, held_out: IntArray) -> Fold:
    asked = np.isin(artists, held_out)
    return Fold(np.flatnonzero(asked), np.flatnonzero(~asked & (artists >= 0)))


def _too_few(eligible: IntArray, free: IntArray, artists: IntArray, min_tracks: int) -> DataError:
    heard = len(eligible) - len(free)
    return DataError(
        f"Too few artists: two of {min_tracks} or more tracks with usable sound, that no encoder "
        "heard, are needed to ask for (one a fold), and others to train on, if anything is "
        f"trained. Received: {len(eligible)} of so many tracks, {heard} of them heard, among "
        f"{artists.max(initial=-1) + 1} in all. Import more tracks that have `artist` and "
        "`audio_path`."
    )
