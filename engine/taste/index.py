"""Products of every track with the centres of a user."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from engine.taste.space import SoundSpace
from ranker.candidates import IntArray

FloatMatrix = npt.NDArray[np.float32]

_ROWS = 8_192  # moved at once when the index is made: 4 MB of 128 numbers
_BLOCK = 1_024  # compared at once: 512 KB of 128 numbers


class SoundIndex:
    """The embeddings of a catalogue, compared in a space of their own.

    The embeddings stay as they are and where they are: moved ones are never kept, since
    ``((e - mean) K) . q = e . (K q) - mean . (K q)``. So processes still share one memory-mapped
    file, and the index holds one number a track.

    Parameters
    ----------
    embeddings : ndarray of float32, shape (n, d)
        Normalised to length 1; a zero row for a track without one. May be memory-mapped.
    space : SoundSpace
        Of these embeddings.

    Attributes
    ----------
    space : SoundSpace
    embeddings : ndarray of float32, shape (n, d)
    unknown : ndarray of int64
        The tracks without an embedding, or of none that differs from the mean.
    """

    def __init__(self, embeddings: FloatMatrix, space: SoundSpace) -> None:
        self.space, self.embeddings = space, embeddings
        lengths = np.concatenate(
            [np.zeros(0, np.float32)]
            + [
                np.linalg.norm((block - space.mean) @ space.kernel, axis=1) * block.any(axis=1)
                for block in (embeddings[i : i + _ROWS] for i in range(0, len(embeddings), _ROWS))
            ]
        )
        self.unknown = np.flatnonzero(lengths == 0)
        lengths[self.unknown] = 1
        self._inverse = (1 / lengths).astype(np.float32)

    def products(self, means: FloatMatrix) -> FloatMatrix:
        """Return the products of vectors of shape (k, d) with all tracks at length 1, (k, n).

        What stands in the columns of `unknown` says nothing.
        """
        moved: FloatMatrix = means @ self.space.kernel  # symmetric
        # By blocks of tracks that stay in the cache, one centre after the other: BLAS is slower on
        # a product this thin, and the whole catalogue is then read from memory once, not k times.
        found = np.empty((len(moved), len(self.embeddings)), np.float32)
        for first in range(0, len(self.embeddings), _BLOCK):
            block = self.embeddings[first : first + _BLOCK]
            for row, mean in zip(found, moved, strict=True):
                np.dot(block, mean, out=row[first : first + _BLOCK])
        found -= (moved @ self.space.mean)[:, np.newaxis]
        found *= self._inverse
        return found

    def between(self, tracks: IntArray, played: IntArray) -> FloatMatrix:
        """Return the cosines between two sets of tracks, shape (k, m); 0 for an unknown one."""
        ours, theirs = (self.space.unit(self.embeddings[some]) for some in (tracks, played))
        # Not `@`: on a busy machine the threads of BLAS cost more than so small a product.
        cosines: FloatMatrix = np.einsum("kd,md->km", ours, theirs)
        return cosines
