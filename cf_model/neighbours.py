"""Item neighbours by a random walk: from a played track to a listener, and on to another track.

RP3beta of Paudel, Christoffel, Newell, Bernstein, "Updatable, Accurate, Diverse, and Scalable
Recommendations for Interactive Applications", TiiS 7(1), 2017: with X the binary matrix of plays,
d_u a user's and d_i a track's number of them, the weight from track i to track j is ::

    w_ij = sum_u x_ui / d_i * x_uj / d_u ** user_power / d_j ** popularity

A user of many tracks says less about each, and a popular track is reached anyway. Each track keeps
its `width` strongest neighbours.

It is a yardstick: `segue evaluate` compares ALS with it. It is not served, as on the data at hand
it added nothing to ALS (docs/behaviour.md).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from cf_model.linear import binary
from data.checks import check_positive

FloatArray = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int32]

POWERS = ((0.5, 0.0), (0.5, 0.2), (1.0, 0.0), (1.0, 0.2), (1.5, 0.0))
"""Pairs (user_power, popularity) worth trying: each data set has its own best."""

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
