"""The rule of duplicates: a recording is excluded as a whole, and answered once."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ranker.candidates import BoolArray, IntArray


class OneOfEach:
    """Keeps tracks that are the same recording out of one answer.

    Parameters
    ----------
    representatives : ndarray of int32, shape (n_tracks,)
        The track that stands for the recording of each: equal where the recording is.
    preference : ndarray of float, shape (n_tracks,)
        Of several tracks, the one with the highest value is answered; of equals, the one that
        stands for the recording.
    """

    def __init__(self, representatives: IntArray, preference: npt.NDArray[np.floating]) -> None:
        self._representatives = representatives
        sizes = np.bincount(representatives, minlength=len(representatives))
        grouped = np.flatnonzero(sizes[representatives] > 1)
        groups = np.asarray(representatives)[grouped]
        # Those of one recording lie side by side, the preferred one first.
        order = np.lexsort((grouped, grouped != groups, -preference[grouped], groups))
        self._members, self._groups = grouped[order], groups[order]

    def exclude(self, eligible: BoolArray, tracks: IntArray) -> None:
        """Take tracks out of a mask of shape (n_tracks,), and all of the same recordings."""
        eligible[tracks] = False
        gone = np.isin(self._groups, self._representatives[tracks])
        eligible[self._members[gone]] = False

    def keep_one(self, eligible: BoolArray) -> None:
        """Leave only the preferred track of each recording in a mask of shape (n_tracks,)."""
        left = eligible[self._members]
        members, groups = self._members[left], self._groups[left]
        eligible[members[1:][groups[1:] == groups[:-1]]] = False
