"""One question put to every system."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from data.interactions import Interactions


@dataclass(frozen=True)
class Task:
    """One test, the same for every system.

    Attributes
    ----------
    protocol : str
    train : Interactions
        What a system may learn from.
    users : ndarray of int32, shape (m,)
        The tested users.
    history : csr_matrix of float32, shape (m, t)
        Their known plays, when the question is asked.
    held_out : csr_matrix of bool, shape (m, t)
        Their targets.
    candidates : ndarray of int32, shape (e,)
        The eligible tracks, in a seeded random order: the order of ties (see `ranking`).
    start : ndarray of int64, shape (m,)
        Where each user's ties begin in that order.
    without_history : int
        Users left out because nothing is known of them.
    shown : Interactions, optional
        The plays of `history` with their times; without it, times are unknown.
    """

    protocol: str
    train: Interactions
    users: npt.NDArray[np.int32]
    history: sp.csr_matrix
    held_out: sp.csr_matrix
    candidates: npt.NDArray[np.int32]
    start: npt.NDArray[np.int64]
    without_history: int
    shown: Interactions | None = None

    def __len__(self) -> int:
        return len(self.users)

    @cached_property
    def seen(self) -> sp.csr_matrix:
        """Known plays in the columns of `candidates`, shape (m, e)."""
        return self.history[:, self.candidates]

    @cached_property
    def targets(self) -> npt.NDArray[np.int64]:
        """Targets as `row * e + column` in the columns of `candidates`, ascending."""
        rows, columns = self.held_out[:, self.candidates].nonzero()
        return np.sort(rows.astype(np.int64) * len(self.candidates) + columns)

    @property
    def sizes(self) -> dict[str, int]:
        """What is tested, in numbers."""
        return {
            "users": len(self),
            "users_without_history": self.without_history,
            "train_plays": len(self.train),
            "targets": int(self.held_out.nnz),
            "eligible_tracks": len(self.candidates),
            "tracks": len(self.train.tracks),
        }
