"""Item neighbours by a random walk: from a played track to a listener, and on to another track.

RP3beta of Paudel, Christoffel, Newell, Bernstein, "Updatable, Accurate, Diverse, and Scalable
Recommendations for Interactive Applications", TiiS 7(1), 2017: with X the binary matrix of plays,
d_u a user's and d_i a track's number of them, the weight from track i to track j is ::

    w_ij = sum_u x_ui / d_i * x_uj / d_u ** user_power / d_j ** popularity

A user of many tracks says less about each, and a popular track is reached anyway. Each track keeps
its `width` strongest neighbours.

`segue evaluate` compares ALS with it, and the learned ranker weighs its candidates and scores. In
rank fusion it added nothing to ALS (docs/behaviour.md).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from cf_model.linear import binary
from data.checks import check_positive
from data.errors import DataError

FloatArray = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int32]

POWERS = ((0.5, 0.0), (0.5, 0.2), (1.0, 0.0), (1.0, 0.2), (1.5, 0.0))
"""Pairs (user_power, popularity) worth trying: each data set has its own best."""

_FILES = "neighbour_"
"""Beginning of the names of its arrays."""

_BLOCK = 512  # tracks whose neighbours are sought at once: 200 MB among 100,000 tracks


@dataclass(frozen=True, eq=False)
class ItemNeighbours:
    """The strongest neighbours of each track.

    Attributes
    ----------
    weights : csr_matrix of float32, shape (n_tracks, n_tracks)
        Row i holds the neighbours of track i, never i itself.
    """

    weights: sp.csr_matrix

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Return everything that it consists of, to be saved by name."""
        parts = {"starts": np.int64, "tracks": np.int32, "weights": np.float32}
        held = (self.weights.indptr, self.weights.indices, self.weights.data)
        return {
            f"{_FILES}{name}": np.asarray(part, dtype)
            for (name, dtype), part in zip(parts.items(), held, strict=True)
        }

    @classmethod
    def of(cls, arrays: Mapping[str, npt.NDArray[Any]]) -> ItemNeighbours | None:
        """Make it of its `arrays` (they may be memory-mapped); None where they are not there.

        Raises
        ------
        DataError
            If they do not fit together.
        """
        names = [f"{_FILES}{name}" for name in ("starts", "tracks", "weights")]
        if any(name not in arrays for name in names):
            return None
        starts, tracks, weights = (arrays[name] for name in names)
        size = len(starts) - 1
        ordered = size >= 0 and starts[0] == 0 and (np.diff(starts) >= 0).all()
        inside = not tracks.size or (tracks.min() >= 0 and tracks.max() < size)
        if not (ordered and inside and starts[-1] == len(tracks) == len(weights)):
            raise DataError("The item neighbours do not fit together. Train again.")
        # Set as they are: the constructor would copy mapped arrays to one type of index.
        matrix = sp.csr_matrix((size, size), dtype=np.float32)
        matrix.indptr, matrix.indices, matrix.data = starts, tracks, weights
        return cls(matrix)

    def scores(self, history: sp.csr_matrix, tracks: IntArray) -> FloatArray:
        """Return, for some tracks, the sum of weights from the tracks that a user played.

        Parameters
        ----------
        history : csr_matrix, shape (m, n_tracks)
            Plays; only whether there is one counts.
        tracks : ndarray of int32, shape (e,)

        Returns
        -------
        ndarray of float32, shape (m, e)
            Zero for a track that no walk reaches.
        """
        reached = (binary(history) @ self.weights)[:, tracks]
        return np.asarray(reached.toarray(), np.float32)

    def reached(self, played: IntArray) -> FloatArray:
        """Return the sum of weights from some tracks to every track, shape (n_tracks,).

        Parameters
        ----------
        played : ndarray of int32, shape (m,)
            Distinct tracks.
        """
        starts, stops = self.weights.indptr[played], self.weights.indptr[played + 1]
        sizes = stops - starts
        # The places of all stored neighbours, one row after the other.
        at = np.arange(sizes.sum()) + np.repeat(starts - np.r_[0, np.cumsum(sizes)[:-1]], sizes)
        into, weights = self.weights.indices[at], self.weights.data[at]
        size = self.weights.shape[1]
        return np.bincount(into, weights, minlength=size).astype(np.float32)


def train_neighbours(
    plays: sp.csr_matrix, *, user_power: float = 1.0, popularity: float = 0.0, width: int = 500
) -> ItemNeighbours:
    """Find the neighbours of each track.

    Parameters
    ----------
    plays : csr_matrix, shape (n_users, n_tracks)
        Only whether there is a play counts.
    user_power, popularity : float
        See the module.
    width : int
        Most neighbours of a track.

    Raises
    ------
    ParameterError
        If `width` is not above zero.
    """
    check_positive("width", width, integer=True)
    x = binary(plays)
    users = np.maximum(np.diff(x.indptr), 1).astype(np.float32)
    tracks = np.maximum(x.getnnz(axis=0), 1).astype(np.float32)
    onward = sp.diags(users**-user_power) @ x @ sp.diags(tracks**-popularity)
    back = (sp.diags(1 / tracks) @ x.T).tocsr()
    blocks = [
        _strongest((back[first : first + _BLOCK] @ onward).tocsr(), first, width)
        for first in range(0, x.shape[1], _BLOCK)
    ]
    return ItemNeighbours(sp.vstack(blocks, format="csr", dtype=np.float32))


def _strongest(weights: sp.csr_matrix, first: int, width: int) -> sp.csr_matrix:
    """Keep the greatest `width` entries of each row but that of the track itself."""
    rows = np.repeat(np.arange(weights.shape[0]), np.diff(weights.indptr))
    weights.data[weights.indices == rows + first] = 0
    # By row, then by weight from the greatest, then by column, so that ties are always cut alike.
    order = np.lexsort((weights.indices, -weights.data, rows))
    place = np.arange(len(rows)) - weights.indptr[:-1][rows]
    kept = order[(place < width) & (weights.data[order] > 0)]
    data = weights.data[kept], (rows[kept], weights.indices[kept])
    return sp.csr_matrix(data, shape=weights.shape, dtype=np.float32)
