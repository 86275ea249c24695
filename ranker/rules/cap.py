"""The plain artist cap: no selector, no other rule beside it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from data.checks import check_positive
from ranker.candidates import Candidates, IntArray


def cap_artists(candidates: Candidates, artists: IntArray, cap: int, *, n: int) -> Candidates:
    """Keep at most `cap` tracks an artist among the first `n`.

    Parameters
    ----------
    candidates : Candidates
        Best first; as many as there are, since those behind move up.
    artists : ndarray of int32, shape (n_tracks,)
        Code of each track's artist; -1 (unknown) is never capped.
    cap : int
    n : int

    Returns
    -------
    Candidates
        min(n, m) tracks in their order. Where too few are left, those that the cap took out come
        behind the others, in their order: an answer is never shorter for it.

    Raises
    ------
    ParameterError
        If `cap` is not a positive integer.
    """
    check_positive("artist_cap", cap, integer=True)
    codes = artists[candidates.tracks]
    over = (occurrence(codes) >= cap) & (codes >= 0)
    order = np.concatenate([np.flatnonzero(~over), np.flatnonzero(over)])[: max(n, 0)]
    return Candidates(candidates.source, candidates.tracks[order], candidates.scores[order])


def occurrence(codes: npt.NDArray[np.integer]) -> IntArray:
    """Return how often each value of an array of shape (m,) occurs before its own place."""
    order = np.argsort(codes, kind="stable")
    ordered = codes[order]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])[: codes.size]
    lengths = np.diff(np.r_[starts, codes.size])
    counts = np.empty(codes.size, np.int32)
    counts[order] = np.arange(codes.size) - np.repeat(starts, lengths)
    return counts
