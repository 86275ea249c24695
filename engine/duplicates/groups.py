"""Pairs of one recording to groups of one recording.

Plain connected components would join all tracks of an album through one file that holds the whole
album, and all that begin with the same jingle through the jingle. So groups grow only where their
members are one recording with each other, too.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from engine.duplicates.find import Pair
from engine.duplicates.match import compare
from engine.duplicates.recordings import Recordings

_ENDS = 4  # so many of the longest and of the shortest members speak for a group


def group_recordings(recordings: Recordings, pairs: Sequence[Pair]) -> npt.NDArray[np.int32]:
    """Group tracks that are the same recording.

    Parameters
    ----------
    recordings : Recordings
    pairs : sequence of Pair
        Of `find_pairs`.

    Returns
    -------
    ndarray of int32, shape (n_tracks,)
        The track that stands for the group of each: its longest, of equally long ones the first.
        A track alone stands for itself.
    """
    groups = _Groups(recordings, pairs)
    # Full copies come before excerpts: what is least in doubt decides first.
    for pair in sorted(pairs, key=lambda p: (-p.match.words, p.match.error, p.first, p.second)):
        groups.join(pair)
    return groups.representatives()


class _Groups:
    """Groups of tracks, each track at its place on the time line of its group."""

    def __init__(self, recordings: Recordings, pairs: Sequence[Pair]) -> None:
        self._recordings = recordings
        self._lengths = recordings.lengths
        self._found = {(pair.first, pair.second) for pair in pairs}
        self._members: dict[int, list[int]] = {}  # by a number of the group
        self._group: dict[int, int] = {}  # of each track in a pair
        self._place: dict[int, int] = {}  # in words
        for track in {track for pair in pairs for track in (pair.first, pair.second)}:
            self._members[track], self._group[track], self._place[track] = [track], track, 0

    def join(self, pair: Pair) -> None:
        """Join the groups of two tracks, if their members agree."""
        one, other = self._group[pair.first], self._group[pair.second]
        shift = self._place[pair.first] + pair.match.offset - self._place[pair.second]
        if one == other or not self._agree(one, other, shift):
            return
        for track in self._members[other]:
            self._place[track] += shift
            self._group[track] = one
        self._members[one] += self._members.pop(other)

    def _agree(self, one: int, other: int, shift: int) -> bool:
        return all(
            self._same(first, second, self._place[second] + shift - self._place[first])
            for first in self._spokesmen(one)
            for second in self._spokesmen(other)
        )

    def _same(self, first: int, second: int, offset: int) -> bool:
        if (min(first, second), max(first, second)) in self._found:
            return True
        # Two excerpts may have less in common with each other than with the whole.
        match = compare(self._recordings[first], self._recordings[second], offset, share=0)
        return match is not None and match.same

    def _spokesmen(self, group: int) -> list[int]:
        members = sorted(self._members[group], key=lambda t: (self._lengths[t], t))
        return members if len(members) <= 2 * _ENDS else members[:_ENDS] + members[-_ENDS:]

    def representatives(self) -> npt.NDArray[np.int32]:
        found = np.arange(len(self._recordings), dtype=np.int32)
        for members in self._members.values():
            found[members] = min(members, key=lambda t: (-self._lengths[t], t))
        return found
