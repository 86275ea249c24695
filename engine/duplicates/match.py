"""Whether two recordings are the same, once it is known how they might lie on each other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from audio_model.recording import WORD_BITS, WORDS_A_SECOND
from engine.duplicates.recordings import Words

MAX_ERROR = 0.3
"""Most bits that may differ, as a share of those that would differ by chance."""

MIN_SHARE = 0.5
"""Two recordings are the same if they share at least this part of the shorter one."""

MIN_SECONDS = 3.0
"""Less than this in common proves nothing."""

_MIN_WORDS = round(MIN_SECONDS * WORDS_A_SECOND)
_LEAST_CHANCE = 0.1  # bits that differ by chance: with fewer, both prints hold next to nothing


@dataclass(frozen=True)
class Match:
    """How a recording lies on another one.

    Attributes
    ----------
    offset : int
        Word of the first at which the second begins; negative where the second begins before.
    words : int
        Words in which both have something to hear.
    error : float
        Bits that differ there, as a share of those that would differ by chance: 0 for a perfect
        copy, about 1 for strangers.
    """

    offset: int
    words: int
    error: float

    @property
    def same(self) -> bool:
        """Whether the part in common is one recording."""
        return self.error <= MAX_ERROR


def compare(first: Words, second: Words, offset: int, *, share: float = MIN_SHARE) -> Match | None:
    """Compare two prints at an offset, and one word to either side of it.

    Parameters
    ----------
    first, second : ndarray of uint32, shapes (m,) and (n,)
    offset : int
        See `Match`.
    share : float
        Part of the shorter one that they must have in common at least.

    Returns
    -------
    Match or None
        The best of the three; None where what they have in common is too short.
    """
    found = [_at(first, second, near, share) for near in (offset - 1, offset, offset + 1)]
    matches = [match for match in found if match is not None]
    return min(matches, key=lambda match: match.error, default=None)


def _at(first: Words, second: Words, offset: int, share: float) -> Match | None:
    start, end = max(0, offset), min(len(first), offset + len(second))
    if end - start < _MIN_WORDS:
        return None
    one, other = first[start:end], second[start - offset : end - offset]
    heard = (one != 0) & (other != 0)
    n_heard = int(np.count_nonzero(heard))
    least = min(np.count_nonzero(first), np.count_nonzero(second)) * share
    if n_heard < max(_MIN_WORDS, least):
        return None
    one, other = one[heard], other[heard]
    chance = _differing_by_chance(one, other)
    if chance < _LEAST_CHANCE:
        return None
    differing = int(np.bitwise_count(one ^ other).sum()) / (WORD_BITS * n_heard)
    return Match(offset, n_heard, differing / chance)


def _differing_by_chance(one: Words, other: Words) -> float:
    """Return the share of bits that would differ between shuffled words: 0.5 for most music.

    It is less where some bands are empty in both, whose bits then always agree.
    """
    p, q = _set_bits(one), _set_bits(other)
    return float((p * (1 - q) + q * (1 - p)).mean())


def _set_bits(words: Words) -> npt.NDArray[np.float64]:
    """Return how often each bit is set, shape (32,)."""
    octets = np.ascontiguousarray(words).view(np.uint8).reshape(-1, WORD_BITS // 8)
    return np.asarray(np.unpackbits(octets, axis=1).mean(axis=0))
