"""Where two tracks sound alike: the passages of one that match passages of the other.

Chunks of both tracks are compared by cosine, each with each. A passage of one that sounds like a
passage of the other, from its beginning to its end, is a run along a diagonal of that matrix; the
sum of every run of one length follows from cumulative sums along the diagonals.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from data.threads import one_blas_thread

FloatArray = npt.NDArray[np.float32]
HalfArray = npt.NDArray[np.float16]

PASSAGE = 30.0
"""Length of a passage in seconds; of a track shorter than twice that, half of the track."""

MOST = 3
"""Pairs of passages named for two tracks."""

_CELLS = 1 << 17  # of a matrix of cosines held at once: half a megabyte


@dataclass(frozen=True)
class Passage:
    """A passage of one track that sounds like a passage of another.

    Times are in seconds from the beginning of the track, exact to the length of a chunk.

    Attributes
    ----------
    start, end : float
        Of the passage in the track that was asked about.
    item_start, item_end : float
        Of the one in the track that was found.
    similarity : float
        Mean cosine of their chunks, up to 1.
    """

    start: float
    end: float
    item_start: float
    item_end: float
    similarity: float


def matching_passages(
    query: npt.NDArray[np.floating], items: Sequence[HalfArray], *, seconds: float
) -> list[tuple[Passage, ...]]:
    """Find where each of some tracks sounds most like one track.

    Parameters
    ----------
    query : ndarray of shape (q, d)
        Chunks of the track asked about, unit rows.
    items : sequence of ndarray of float16, shape (t, d)
        Chunks of each track found; a track without any has no passages.
    seconds : float
        Length of a chunk.

    Returns
    -------
    list of tuple of Passage
        For each item at most `MOST`, best first; none overlaps another in either track, and none
        is less than indifferent (a cosine of 0).
    """
    chunks = np.asarray(query, np.float32)
    found: list[tuple[Passage, ...]] = []
    for block in _blocks(items, max(1, _CELLS // (len(chunks) + 1))):
        sums = _diagonal_sums(chunks, np.concatenate(block))
        ends = np.cumsum([len(item) for item in block]).tolist()
        for item, end in zip(block, ends, strict=True):
            own = sums[:, end - len(item) : end + 1]  # (q + 1, t + 1)
            found.append(_best(own, seconds=seconds))
    return found


def _blocks(items: Sequence[HalfArray], most: int) -> Iterator[list[HalfArray]]:
    """Cut a list into parts of at most `most` chunks each, or of one item."""
    block: list[HalfArray] = []
    size = 0
    for item in items:
        if block and size + len(item) > most:
            yield block
            block, size = [], 0
        block.append(item)
        size += len(item)
    if block:
        yield block


def _diagonal_sums(query: FloatArray, chunks: HalfArray) -> FloatArray:
    """Return the sums along diagonals of the cosines, shape (q + 1, total + 1).

    The sum of `length` cosines from (i, j) on is `sums[i + length, j + length] - sums[i, j]`.
    """
    sums = np.zeros((len(query) + 1, len(chunks) + 1), np.float32)
    with one_blas_thread():
        sums[1:, 1:] = query @ chunks.astype(np.float32).T  # (q, d) @ (d, total)
    for row in range(1, len(query)):
        sums[row + 1, 1:] += sums[row, :-1]
    return sums


def _best(sums: FloatArray, *, seconds: float) -> tuple[Passage, ...]:
    """Take the best pair, then the best that overlaps none taken before."""
    shorter = min(sums.shape) - 1
    if shorter < 1:
        return ()
    length = max(1, min(round(PASSAGE / seconds), (shorter + 1) // 2))
    means = (sums[length:, length:] - sums[:-length, :-length]) / length
    taken: list[Passage] = []
    while len(taken) < MOST:
        row, column = divmod(int(means.argmax()), means.shape[1])
        similarity = float(means[row, column])
        if not similarity > 0:
            break
        start, item_start, span = row * seconds, column * seconds, length * seconds
        taken.append(
            Passage(start, start + span, item_start, item_start + span, min(similarity, 1.0))
        )
        means[max(0, row - length + 1) : row + length] = -np.inf
        means[:, max(0, column - length + 1) : column + length] = -np.inf
    return tuple(taken)
