"""Nearest vectors by cosine."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt

from ranker.candidates import BoolArray, Candidates, best_of


class VectorIndex(Protocol):
    """Finds the tracks whose vectors are nearest to a query."""

    def search(
        self, query: npt.NDArray[np.float32], k: int, *, eligible: BoolArray | None = None
    ) -> Candidates:
        """Return up to `k` eligible tracks by cosine, best first."""
        ...


class ExactIndex:
    """Search by one matrix product: exact, and fast enough up to about a million tracks.

    Parameters
    ----------
    vectors : ndarray of float32, shape (n, d)
        Normalised to length 1; may be memory-mapped.
    known : ndarray of bool, shape (n,)
        Which tracks have a vector; the others are never found.
    source : str
        Name given to the candidates.
    """

    def __init__(
        self, vectors: npt.NDArray[np.float32], known: BoolArray, *, source: str = "audio"
    ) -> None:
        self._vectors = vectors
        self._unknown = np.flatnonzero(~np.asarray(known))
        self._source = source

    def __len__(self) -> int:
        return len(self._vectors) - self._unknown.size

    def search(
        self, query: npt.NDArray[np.float32], k: int, *, eligible: BoolArray | None = None
    ) -> Candidates:
        """Return up to `k` eligible tracks by cosine, best first."""
        scores: npt.NDArray[np.float32] = self._vectors @ query  # (n, d) @ (d,) -> (n,)
        scores[self._unknown] = -np.inf
        return best_of(self._source, scores, k, eligible=eligible)
