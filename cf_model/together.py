"""Tracks that the same people play."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from cf_model.linear import binary
from cf_model.neighbours import train_neighbours
from data.checks import check_positive


def played_together(plays: sp.csr_matrix, *, width: int = 10, fewest: int = 3) -> sp.csr_matrix:
    """Return which tracks are played by the same people.

    Two are if each is among the `width` nearest of the other, so that a track that everybody plays
    is not everybody's neighbour, and enough users play both. Near is, with X the binary matrix of
    plays, d_u the tracks of a user and d_i the users of a track ::

        sum_u x_ui x_uj d_u ** -0.5 / (d_i d_j) ** 0.5

    the cosine of their users, each of whom says less the more tracks they play.

    Parameters
    ----------
    plays : csr_matrix, shape (n_users, n_tracks)
        Only whether there is a play counts.
    width : int
        Most neighbours of a track.
    fewest : int
        Users that must play both.

    Returns
    -------
    csr_matrix of bool, shape (n_tracks, n_tracks)
        Symmetric, nothing on the diagonal; indices are sorted.

    Raises
    ------
    ParameterError
        If a number is not above zero.
    """
    check_positive("fewest", fewest, integer=True)
    near = train_neighbours(plays, user_power=0.5, popularity=0.5, width=width).weights
    pairs = sp.triu(near.multiply(near.T), k=1).tocoo()
    users = binary(plays).T.tocsr()  # (n_tracks, n_users)
    both = users[pairs.row].multiply(users[pairs.col]).sum(axis=1)
    kept = np.asarray(both).ravel() >= fewest
    row, column = pairs.row[kept], pairs.col[kept]
    ends = np.concatenate([row, column]), np.concatenate([column, row])
    found = sp.csr_matrix((np.ones(len(ends[0]), bool), ends), shape=near.shape)
    found.sort_indices()
    return found
