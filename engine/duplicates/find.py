"""Which recordings of a catalogue are the same, and which of them a new one is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from engine.duplicates.index import Candidates, RecordingIndex
from engine.duplicates.match import Match, compare
from engine.duplicates.recordings import Recordings, Words


@dataclass(frozen=True)
class Pair:
    """Two tracks of one recording, the earlier one first, and how they lie on each other."""

    first: int
    second: int
    match: Match


def find_pairs(index: RecordingIndex) -> list[Pair]:
    """Return the pairs of tracks that are the same recording, as far as their words betray it.

    Of many copies of one recording, each is compared with some of the others only: enough to
    connect them.
    """
    prints = index.recordings
    return [
        Pair(first, second, match)
        for candidates in index.pairs()
        for first, second, match in _verified(candidates, prints)
    ]


def _verified(candidates: Candidates, prints: Recordings) -> Iterator[tuple[int, int, Match]]:
    """Yield the best match of each pair of the prints that is one recording."""
    pairs = np.stack([candidates.first, candidates.second], axis=1)
    starts = np.flatnonzero(np.r_[True, (pairs[1:] != pairs[:-1]).any(axis=1)][: len(pairs)])
    offsets = np.split(candidates.offset, starts[1:])
    for (first, second), tried in zip(pairs[starts].tolist(), offsets, strict=len(starts) > 0):
        match = _best(prints[first], prints[second], tried.tolist())
        if match is not None:
            yield first, second, match


def _best(first: Words, second: Words, offsets: list[int]) -> Match | None:
    found = (compare(first, second, offset) for offset in offsets)
    same = [match for match in found if match is not None and match.same]
    return min(same, key=lambda match: match.error, default=None)


def look_up(words: Words, index: RecordingIndex) -> tuple[int, Match] | None:
    """Return the track that is most surely the same recording as a print, if there is one."""
    candidates = index.like(words)
    found = []
    for track, offset in zip(candidates.second.tolist(), candidates.offset.tolist(), strict=True):
        match = _best(words, index.recordings[track], [offset])
        if match is not None:
            found.append((track, match))
    return min(found, key=lambda item: (item[1].error, item[0]), default=None)
