"""Boosts and buries: what they do to scores, and to order."""

from __future__ import annotations

import numpy as np

from ranker.candidates import BoolArray, Candidates, IntArray

_HIGHEST = float(np.finfo(np.float32).max)


def scale_scores(
    candidates: Candidates, matching: BoolArray, factor: float, *, up: bool
) -> Candidates:
    """Multiply the scores of the matching tracks, and sort again.

    Parameters
    ----------
    candidates : Candidates
        In any order, which decides between equal scores.
    matching : ndarray of bool, shape (m,)
    factor : float
        Above 1. To go up, a score above 0 is multiplied by it and one below 0 divided; to go down,
        the other way round. A score of 0 stays, and none leaves the finite range of float32,
        however many rules multiply it.
    up : bool

    Returns
    -------
    Candidates
        Best first. Of equal scores, the matching ones come first (last, to go down).
    """
    scores = candidates.scores.astype(np.float64)
    larger = (scores > 0) == up
    scaled = np.where(larger, scores * factor, scores / factor)
    bounded = np.clip(scaled, -_HIGHEST, _HIGHEST)
    found = np.where(matching, bounded, scores).astype(np.float32)
    order = np.lexsort((~matching if up else matching, -found))
    return Candidates(candidates.source, candidates.tracks[order], found[order])


def shift_places(
    candidates: Candidates, matching: BoolArray, places: int, *, up: bool
) -> Candidates:
    """Move the matching tracks past so many of those that don't match.

    Parameters
    ----------
    candidates : Candidates
    matching : ndarray of bool, shape (m,)
    places : int
    up : bool
        Whether towards the beginning.

    Returns
    -------
    Candidates
        Scores as they came. Matching tracks keep their order among themselves, and so do the
        others, so that each moves by exactly `places`, or as far as there are others to pass.
    """
    others: IntArray = np.cumsum(~matching) - ~matching  # how many of those stand before each
    passed = others + np.where(matching, -places if up else places, 0)
    order = np.lexsort((~matching, np.maximum(passed, 0)))  # stable
    return Candidates(candidates.source, candidates.tracks[order], candidates.scores[order])
