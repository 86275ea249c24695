"""Plays: who listened to what, how often and when."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import scipy.sparse as sp

from data.encoding import encode, text_column
from data.errors import DataError
from data.history import History
from data.ordering import Rows, in_order
from data.vocabulary import Vocabulary

EVENTS = ("listen", "like", "dislike", "skip", "hide")
"""Kinds of event. `dislike` and `hide` exclude a track; `skip` is kept, and counts for nothing."""

LIKE_COUNT = 3.0
"""How many plays a like stands for."""


@dataclass(frozen=True, eq=False)
class Interactions:
    """A validated log of plays, one row a play (or a count of plays), sorted by user and track.

    Several rows may hold the same user and track, at different times; `matrix` adds them up.

    Attributes
    ----------
    users, tracks : Vocabulary
        All known users and tracks, also those without a row.
    user, track : ndarray of int32, shape (n,)
        Indices into the vocabularies.
    count : ndarray of float32, shape (n,)
        Plays, above zero.
    at : ndarray of int64, shape (n,)
        Unix seconds; -1 where unknown.

    Raises
    ------
    DataError
        If lengths differ, an index is out of range, or a count is not finite and above zero.
    """

    users: Vocabulary
    tracks: Vocabulary
    user: npt.NDArray[np.int32]
    track: npt.NDArray[np.int32]
    count: npt.NDArray[np.float32]
    at: npt.NDArray[np.int64]

    def __post_init__(self) -> None:
        user = np.ascontiguousarray(self.user, dtype=np.int32)
        track = np.ascontiguousarray(self.track, dtype=np.int32)
        count = np.ascontiguousarray(self.count, dtype=np.float32)
        at = np.ascontiguousarray(self.at, dtype=np.int64)
        if not user.shape == track.shape == count.shape == at.shape or user.ndim != 1:
            raise DataError("The columns of interactions differ in length.")
        _check_range("user", user, len(self.users))
        _check_range("track", track, len(self.tracks))
        _check_counts(count)
        rows = Rows(user, track, count, at)
        rows = in_order(rows, n_users=len(self.users), n_tracks=len(self.tracks))
        for name in ("user", "track", "count", "at"):
            object.__setattr__(self, name, _frozen(getattr(rows, name), getattr(self, name)))

    @classmethod
    def from_frame(
        cls,
        frame: pd.DataFrame,
        *,
        users: Vocabulary | None = None,
        tracks: Vocabulary | None = None,
    ) -> Interactions:
        """Make interactions of a table.

        Parameters
        ----------
        frame : DataFrame
            `user_id`, `track_id`, and optionally the columns `count` (1 by default) and `at`
            (Unix seconds; -1 by default and where a value is missing).
        users, tracks : Vocabulary, optional
            By default the distinct ids of the table, sorted.

        Raises
        ------
        DataError
            If an id is not in a vocabulary that was given, or a count is wrong.
        """
        # Not `users or ...`: a vocabulary that was given and is empty is false too.
        size = len(frame)
        count = frame["count"].to_numpy() if "count" in frame else np.ones(size)
        at = frame["at"].fillna(-1).to_numpy() if "at" in frame else np.full(size, -1)
        users, user = _indices("user", users, frame["user_id"])
        tracks, track = _indices("track", tracks, frame["track_id"])
        return cls(users, tracks, user, track, count.astype(np.float32), at.astype(np.int64))

    def __len__(self) -> int:
        return int(self.user.size)

    def __repr__(self) -> str:
        shape = f"{len(self.users)} users x {len(self.tracks)} tracks"
        return f"Interactions({len(self)} rows, {shape})"

    @cached_property
    def _matrix(self) -> sp.csr_matrix:
        shape = (len(self.users), len(self.tracks))
        # Rows are sorted: they are the parts of the matrix as they stand.
        starts = np.searchsorted(self.user, np.arange(shape[0] + 1, dtype=np.int32))
        parts = (self.count.copy(), self.track.copy(), starts)
        matrix = sp.csr_matrix(parts, shape=shape)
        matrix.has_sorted_indices = True
        matrix.sum_duplicates()
        return matrix

    def matrix(self) -> sp.csr_matrix:
        """Return plays as a CSR matrix of float32, shape (users, tracks), indices sorted."""
        return self._matrix

    @property
    def has_times(self) -> bool:
        """Whether every row says when."""
        return bool(self.at.size) and bool((self.at >= 0).all())

    def select(self, mask: npt.NDArray[np.bool_]) -> Interactions:
        """Return the rows of a mask of shape (n,), over the same vocabularies."""
        return Interactions(
            self.users,
            self.tracks,
            self.user[mask],
            self.track[mask],
            self.count[mask],
            self.at[mask],
        )

    def history(self, user: int) -> History:
        """Return the plays of one user, one entry a track."""
        # Bounds of the column's own type: with others, all of it would be converted first.
        start, stop = np.searchsorted(self.user, np.array([user, user + 1], dtype=np.int32))
        tracks, first = np.unique(self.track[start:stop], return_index=True)
        if not tracks.size:
            return History()
        counts = np.add.reduceat(self.count[start:stop], first).astype(np.float32)
        last_at = np.maximum.reduceat(self.at[start:stop], first)
        return History(tracks.astype(np.int32), counts, last_at)


@dataclass(frozen=True, eq=False)
class Feedback:
    """All that users said: plays, and the pairs that must never be recommended.

    Attributes
    ----------
    plays : Interactions
        Listens and likes.
    hidden : Interactions
        Dislikes and hides, over the same vocabularies.
    """

    plays: Interactions
    hidden: Interactions

    def history(self, user: int) -> History:
        """Return what one user did."""
        plays = self.plays.history(user)
        hidden = self.hidden.history(user).tracks
        return History(plays.tracks, plays.counts, plays.last_at, hidden)


def _check_range(name: str, indices: npt.NDArray[np.int32], size: int) -> None:
    if indices.size and (indices.min() < 0 or indices.max() >= size):
        wrong = indices[(indices < 0) | (indices >= size)][0]
        raise DataError(f"A {name} is not in its vocabulary of {size} ids. Received: {wrong}.")


def _check_counts(count: npt.NDArray[np.float32]) -> None:
    if not count.size or (count.min() > 0 and count.max() < np.inf):  # neither holds of a NaN
        return
    wrong = count[~(np.isfinite(count) & (count > 0))][0]
    raise DataError(f"Counts of plays must be finite and above zero. Received: {wrong}.")


def _frozen(values: npt.NDArray[Any], given: object) -> npt.NDArray[Any]:
    """Return values as an array that nobody can write to, also not who gave it."""
    if values.flags.writeable:
        values = values.copy() if np.may_share_memory(values, np.asarray(given)) else values
        values.flags.writeable = False
    return values


def _indices(
    name: str, vocabulary: Vocabulary | None, ids: pd.Series[Any]
) -> tuple[Vocabulary, npt.NDArray[np.int32]]:
    """Return a vocabulary, the one given or one of the ids, and the indices of ids."""
    column = text_column(ids)
    if column is None:  # something is wrong; one after the other they say what
        plain = ids.tolist()
        vocabulary = Vocabulary.build(plain) if vocabulary is None else vocabulary
        indices = vocabulary.indices(plain)
    else:
        vocabulary, indices = encode([column], vocabulary)
    unknown = np.flatnonzero(indices < 0)
    if unknown.size:
        value = ids.iloc[unknown[0]]
        raise DataError(f"The {name} {value!r:.80} is not among the {len(vocabulary)} known ids.")
    return vocabulary, indices
