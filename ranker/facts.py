"""What is known of each track whoever asks: the track's side of the features."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from data.errors import DataError

FloatVector = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class TrackFacts:
    """Facts of all tracks of a bundle.

    Attributes
    ----------
    artists : ndarray of int32, shape (n_tracks,)
        Code of each track's artist; -1 where unknown.
    genres : csr_matrix of float32, shape (n_tracks, n_genres)
        1 where a track is of a genre.
    listeners, plays : ndarray of float32, shape (n_tracks,)
        Distinct users, and plays.
    recent : ndarray of float32, shape (n_tracks,), optional
        Users who played it lately, each counted less the longer ago.
    released : ndarray of float32, shape (n_tracks,)
        Days since 1970; NaN where unknown.
    today : float
        The day from which ages are counted: that of the last release known.
    uncertainty : ndarray of float32, shape (n_tracks,), optional
        Expected error of the factor that sound predicts.
    strength : ndarray of float32, shape (n_tracks,), optional
        Length of the factor.
    copies : ndarray of float32, shape (n_tracks,)
        Tracks of the same recording, itself included.

    Raises
    ------
    DataError
        If they are not of the same tracks.
    """

    artists: npt.NDArray[np.int32]
    genres: sp.csr_matrix
    listeners: FloatVector
    plays: FloatVector
    released: FloatVector
    today: float
    copies: FloatVector
    recent: FloatVector | None = None
    uncertainty: FloatVector | None = None
    strength: FloatVector | None = None

    def __post_init__(self) -> None:
        names = ("genres", "listeners", "plays", "released", "copies", "recent", "uncertainty")
        for name in (*names, "strength"):
            value = getattr(self, name)
            if value is not None and value.shape[0] != len(self.artists):
                raise DataError(
                    f"`{name}` must have a row for each of {len(self.artists)} tracks. "
                    f"Received: {value.shape[0]}."
                )


def genre_matrix(members: dict[str, npt.NDArray[np.int32]], n_tracks: int) -> sp.csr_matrix:
    """Return which track is of which genre, csr_matrix of float32, shape (n_tracks, n_genres).

    Parameters
    ----------
    members : dict of str to ndarray of int32
        The tracks of each genre.
    n_tracks : int
    """
    tracks = np.concatenate([np.empty(0, np.int32), *members.values()])
    genres = np.repeat(np.arange(len(members)), [len(m) for m in members.values()])
    ones = np.ones(len(tracks), np.float32)
    return sp.csr_matrix((ones, (tracks, genres)), shape=(n_tracks, len(members)))
