"""What a user's plays sound like, as one vector."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from data.history import History
from data.vectors import unit_rows

FloatMatrix = npt.NDArray[np.float32]


def audio_profiles(user_items: sp.csr_matrix, embeddings: FloatMatrix) -> FloatMatrix:
    """Average the embeddings of each user's tracks, weighted by log(1 + plays).

    Parameters
    ----------
    user_items : csr_matrix of float32, shape (users, tracks)
        Plays.
    embeddings : ndarray of float32, shape (tracks, d)
        Normalised to length 1; a zero row for a track without an embedding.

    Returns
    -------
    ndarray of float32, shape (users, d)
        Normalised to length 1; a zero row for a user without an embedded track.
    """
    weights = user_items.astype(np.float32, copy=True)
    weights.data = np.log1p(weights.data)
    return unit_rows(np.asarray(weights @ embeddings, dtype=np.float32))


def audio_profile(history: History, embeddings: FloatMatrix) -> npt.NDArray[np.float32]:
    """Return the profile of one user, shape (d,): one row of `audio_profiles`."""
    weights = np.log1p(history.counts)[np.newaxis]  # (1, m)
    profile: npt.NDArray[np.float32] = unit_rows(weights @ embeddings[history.tracks])[0]
    return profile
