"""Finds prints that have words in common, and how they would lie on each other.

All words are kept sorted, each with its place, in one array that can be memory-mapped. Two
recordings that have words in common at the same distance from each other are a candidate; whether
they are the same, `engine.duplicates.match` says.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engine.duplicates.recordings import Recordings, Words

Keys = npt.NDArray[np.uint64]
IntArray = npt.NDArray[np.int64]

MOST_WORDS = 1 << 26
"""Words that an index holds (half a gigabyte): of more, a part, the same one of each recording."""

_PLACES = 1 << 32  # places that fit beside a word; recordings beyond are not indexed
_MIXER = np.uint32(2_654_435_761)  # Knuth's: spreads words over all values
_COMMON = 16  # of the recordings that share a word, so many are looked at from each of them
_BATCH = 1 << 21  # words asked about at once
_OFFSET_BITS = 24  # enough for recordings of 190 hours
_MIDDLE = 1 << (_OFFSET_BITS - 1)  # offsets are counted from here, so that none is below zero
_PAIRS = 1 << (63 - _OFFSET_BITS)  # pairs of recordings that fit beside an offset
_BEST = 3  # ways in which two recordings may lie on each other that are tried

MIN_VOTES = 2
"""Words that two recordings must share at one offset: one may be chance."""


@dataclass(frozen=True, eq=False)
class Candidates:
    """Pairs of recordings that may be the same, shape (n,) each, int64.

    Attributes
    ----------
    first, second : ndarray
        The recordings.
    offset : ndarray
        Word of the first at which the second would begin.
    votes : ndarray
        Words that say so.
    """

    first: IntArray
    second: IntArray
    offset: IntArray
    votes: IntArray

    def __len__(self) -> int:
        return len(self.votes)


def build_index(recordings: Recordings, *, most: int = MOST_WORDS) -> Keys:
    """Return the sorted words of recordings with their places.

    Parameters
    ----------
    recordings : Recordings
    most : int
        About how many to keep.

    Returns
    -------
    ndarray of uint64, shape (n,)
        A word in the upper 32 bits, its place among all words in the lower ones. Words that say
        nothing, or repeat the one before, are left out.
    """
    words = recordings.words[:_PLACES]
    telling = _telling(words)
    total = int(np.count_nonzero(telling))
    if total > most:
        # The same words are left out of every recording, so that those left still meet.
        limit = np.uint32(most / total * 2**32)
        for start in range(0, len(words), _BATCH):
            part = slice(start, start + _BATCH)
            telling[part] &= words[part] * _MIXER < limit
    places = np.flatnonzero(telling)
    keys: Keys = words[places].astype(np.uint64)
    keys <<= np.uint64(32)
    keys |= places.view(np.uint64)
    keys.sort()
    return keys


def _telling(words: Words) -> npt.NDArray[np.bool_]:
    """Return which words say something that the one before does not."""
    telling = words != 0
    telling[1:] &= words[1:] != words[:-1]
    return np.asarray(telling)


class RecordingIndex:
    """Finds candidates among recordings.

    Parameters
    ----------
    recordings : Recordings
    keys : ndarray of uint64, shape (n,)
        Of `build_index`; may be memory-mapped.
    """

    def __init__(self, recordings: Recordings, keys: Keys) -> None:
        self.recordings = recordings
        self.keys = keys
        halves = keys.view(np.uint32).reshape(-1, 2)  # little endian: the lower half comes first
        self._places, self._words = halves[:, 0], halves[:, 1]

    def pairs(self, *, batch: int = _BATCH) -> Iterator[Candidates]:
        """Yield the candidates among all pairs of recordings, the earlier track first.

        Parameters
        ----------
        batch : int
            Words asked about at once: memory is some hundred bytes for each.
        """
        offsets, n_tracks = self.recordings.offsets, len(self.recordings)
        start = 0
        while start < n_tracks:
            # As many recordings as have a batch of words, and at least one.
            fitting = int(np.searchsorted(offsets, offsets[start] + batch, side="right")) - 1
            end = min(max(start + 1, fitting), start + _PAIRS // n_tracks)
            yield self._among(start, end)
            start = end

    def like(self, words: Words) -> Candidates:
        """Return the candidates for one print, as pairs whose first is 0."""
        frames = np.flatnonzero(_telling(words))
        first_ranks = np.searchsorted(self.keys, words[frames].astype(np.uint64) << np.uint64(32))
        return self._candidates(
            first_ranks, words[frames], np.zeros(len(frames), np.int64), frames=frames
        )

    def _among(self, start: int, end: int) -> Candidates:
        """Return the candidates of some recordings, each with all those behind it."""
        offsets = self.recordings.offsets
        own = (self._places >= offsets[start]) & (self._places < offsets[end])
        ranks = np.flatnonzero(own)
        places = self._places[ranks].astype(np.int64)
        tracks = np.searchsorted(offsets, places, side="right") - 1
        found = self._candidates(
            ranks + 1, self._words[ranks], tracks - start, frames=places - offsets[tracks]
        )
        other = found.second != found.first + start
        return Candidates(
            found.first[other] + start,
            found.second[other],
            found.offset[other],
            found.votes[other],
        )

    def _candidates(
        self, ranks: IntArray, words: Words, tracks: IntArray, *, frames: IntArray
    ) -> Candidates:
        """Let words vote, each for the recordings that share it.

        Parameters
        ----------
        ranks : ndarray of int64, shape (n,)
            Where in the index the first of them would be.
        words : ndarray of uint32, shape (n,)
        tracks, frames : ndarray of int64, shape (n,)
            Whose the words are, counted from 0, and where in it they are.
        """
        ballots = []
        for _ in range(_COMMON):
            there = np.flatnonzero(ranks < len(self.keys))
            there = there[self._words[ranks[there]] == words[there]]
            ranks, words, tracks, frames = (a[there] for a in (ranks, words, tracks, frames))
            if not len(ranks):
                break
            places = self._places[ranks].astype(np.int64)
            others = np.searchsorted(self.recordings.offsets, places, side="right") - 1
            offset = frames - (places - self.recordings.offsets[others]) + _MIDDLE
            ballots.append(((tracks * len(self.recordings) + others) << _OFFSET_BITS) | offset)
            ranks = ranks + 1
        return self._counted(np.concatenate(ballots) if ballots else np.empty(0, np.int64))

    def _counted(self, ballots: IntArray) -> Candidates:
        """Count votes, together with those for one word later, and keep what has enough."""
        poll, votes = np.unique(ballots, return_counts=True)
        later = np.zeros_like(votes)
        later[:-1] = np.where(poll[1:] == poll[:-1] + 1, votes[1:], 0)
        votes = votes + later
        kept = np.flatnonzero(votes >= MIN_VOTES)
        pair, offset = poll[kept] >> _OFFSET_BITS, poll[kept] & (2 * _MIDDLE - 1)
        order = np.lexsort((-votes[kept], pair))
        kept, pair, offset = kept[order], pair[order], offset[order]
        best = np.ones(len(pair), bool)
        best[_BEST:] = pair[_BEST:] != pair[:-_BEST]
        first, second = np.divmod(pair[best], len(self.recordings))
        return Candidates(first, second, offset[best] - _MIDDLE, votes[kept[best]])
