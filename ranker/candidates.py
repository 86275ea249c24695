"""What is asked, what is proposed, and the protocols in between.

::

    Query -> Retriever.retrieve -> Candidates (one a retriever)
          -> merge              -> CandidatePool
          -> Ranker.rank        -> Candidates (blended, best first)
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from data.errors import DataError
from data.history import History

IntArray = npt.NDArray[np.int32]
FloatArray = npt.NDArray[np.float32]
BoolArray = npt.NDArray[np.bool_]

T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class Query:
    """One request for recommendations, in the indices of one bundle.

    Attributes
    ----------
    history : History
        What the user did. Seeds of an anonymous request are its tracks.
    eligible : ndarray of bool, shape (n_tracks,)
        The tracks that may be answered: every hard exclusion is already taken out.
    """

    history: History
    eligible: BoolArray
    _notes: dict[Hashable, Any] = field(default_factory=dict, repr=False)

    def once(self, key: Hashable, work: Callable[[], T]) -> T:
        """Return what `work` makes, done once for this query whoever asks.

        Retrievers and features ask the same of a user: a factor, centres of taste, the scores of
        all tracks.

        Parameters
        ----------
        key : hashable
            Names the work, and whose it is.
        work : callable
            Without arguments.
        """
        if key not in self._notes:
            self._notes[key] = work()
        found: T = self._notes[key]
        return found


@dataclass(frozen=True, eq=False)
class Candidates:
    """Tracks proposed by one source, best first.

    Attributes
    ----------
    source : str
        Who proposed them: "cf", "audio", "popular", or the name of a blend.
    tracks : ndarray of int32, shape (m,)
        Distinct tracks.
    scores : ndarray of float32, shape (m,)
        Comparable within this source only. Descending, until diversity or a rule moves tracks.
    """

    source: str
    tracks: IntArray = field(default_factory=lambda: np.empty(0, np.int32))
    scores: FloatArray = field(default_factory=lambda: np.empty(0, np.float32))

    def __post_init__(self) -> None:
        if self.tracks.shape != self.scores.shape or self.tracks.ndim != 1:
            raise DataError(f"Candidates of {self.source!r}: tracks and scores differ in length.")

    def __len__(self) -> int:
        return int(self.tracks.size)

    def head(self, n: int) -> Candidates:
        """Return the best `n`."""
        return Candidates(self.source, self.tracks[:n], self.scores[:n])


class Retriever(Protocol):
    """Proposes tracks for a query from one signal."""

    name: str

    def retrieve(self, query: Query, n: int) -> Candidates:
        """Return up to `n` eligible tracks, best first; none if the signal says nothing."""
        ...


class Scorer(Protocol):
    """Scores given tracks for a query by one signal."""

    name: str

    def score(self, query: Query, tracks: IntArray) -> Candidates:
        """Return the given tracks, best first."""
        ...


@dataclass(frozen=True, eq=False)
class CandidatePool:
    """The union of several candidates, without loss of where each came from.

    Attributes
    ----------
    sources : tuple of str, length s
    tracks : ndarray of int32, shape (m,)
        Distinct tracks, ascending.
    ranks : ndarray of int32, shape (m, s)
        Rank from 1 in each source; 0 where the source did not propose the track.
    scores : ndarray of float32, shape (m, s)
        Score in each source; 0 where it did not propose the track.
    """

    sources: tuple[str, ...]
    tracks: IntArray
    ranks: IntArray
    scores: FloatArray

    def rows(self, tracks: IntArray) -> tuple[npt.NDArray[np.intp], BoolArray]:
        """Return the rows of those of some tracks that are in the pool, and which these are.

        Parameters
        ----------
        tracks : ndarray of int32, shape (k,)

        Returns
        -------
        ndarray of intp, shape (number in the pool,)
        ndarray of bool, shape (k,)
        """
        at = np.searchsorted(self.tracks, tracks)
        known = at < self.tracks.size
        known[known] = self.tracks[at[known]] == tracks[known]
        return at[known], known

    def sources_of(self, track: int) -> list[str]:
        """Return the sources that proposed a track, in their order; none if nobody did."""
        at = int(np.searchsorted(self.tracks, track))
        if at == self.tracks.size or self.tracks[at] != track:
            return []
        return [name for name, rank in zip(self.sources, self.ranks[at], strict=True) if rank]


class Ranker(Protocol):
    """Blends a pool into one order."""

    name: str

    def rank(self, query: Query, pool: CandidatePool, n: int) -> Candidates:
        """Return the best `n` of the pool, best first."""
        ...


class Blend(Ranker, Protocol):
    """A ranker of several sources, which can say how much each signal weighed."""

    def uses(self, source: str) -> bool:
        """Whether the candidates of a source are worth asking for."""
        ...

    def shares(
        self, query: Query, pool: CandidatePool, tracks: IntArray
    ) -> npt.NDArray[np.float64]:
        """Return the shares of `ranker.explain.SIGNALS` in the scores of k tracks, shape (k, 3)."""
        ...


def merge(lists: Sequence[Candidates]) -> CandidatePool:
    """Merge candidates of several sources.

    Parameters
    ----------
    lists : sequence of Candidates
        One a source, each best first.

    Returns
    -------
    CandidatePool
        Every proposed track once, with its rank and score in each source.
    """
    names = tuple(c.source for c in lists)
    every = [c.tracks for c in lists] or [np.empty(0, np.int32)]
    tracks = np.unique(np.concatenate(every)).astype(np.int32)
    ranks = np.zeros((tracks.size, len(lists)), np.int32)
    scores = np.zeros((tracks.size, len(lists)), np.float32)
    for column, candidates in enumerate(lists):
        rows = np.searchsorted(tracks, candidates.tracks)
        ranks[rows, column] = np.arange(1, len(candidates) + 1)
        scores[rows, column] = candidates.scores
    return CandidatePool(names, tracks, ranks, scores)


def top_n(scores: npt.NDArray[np.floating], n: int, *, among: IntArray | None = None) -> IntArray:
    """Return the positions of the `n` best scores, best first, ties by lower position.

    Parameters
    ----------
    scores : ndarray of shape (m,)
        Not NaN. Entries of minus infinity are never returned.
    n : int
        How many at most; none where it is 0 or less.
    among : ndarray of int32, shape (a,), optional
        Ascending positions to choose from; by default all.

    Returns
    -------
    ndarray of int32, shape (at most n,)
    """
    positions = np.arange(scores.size, dtype=np.int32) if among is None else among
    values = scores if among is None else scores[among]
    keep = values > -np.inf
    if not keep.all():
        positions, values = positions[keep], values[keep]
    if n <= 0:
        return np.empty(0, np.int32)
    if n < values.size:
        # The n-th value may be tied: take everything above it, then the first of the ties.
        threshold = np.partition(values, values.size - n)[values.size - n]
        above = np.flatnonzero(values > threshold)
        tied = np.flatnonzero(values == threshold)[: n - above.size]
        chosen = np.sort(np.concatenate([above, tied]))
        positions, values = positions[chosen], values[chosen]
    order = np.argsort(-values, kind="stable")
    return positions[order].astype(np.int32, copy=False)


def best_of(
    source: str, scores: FloatArray, n: int, *, eligible: BoolArray | None = None
) -> Candidates:
    """Return the `n` best scored eligible tracks as candidates of a source.

    Parameters
    ----------
    source : str
    scores : ndarray of float32, shape (n_tracks,)
        Minus infinity where the source says nothing. What is not eligible is made so in place.
    n : int
    eligible : ndarray of bool, shape (n_tracks,), optional
        By default all.
    """
    if eligible is not None:
        scores[~eligible] = -np.inf
    best = top_n(scores, n)
    return Candidates(source, best, scores[best])


def best_above_zero(
    source: str, scores: FloatArray, n: int, *, eligible: BoolArray | None = None
) -> Candidates:
    """Return the same of the tracks that score above 0; `scores` stay as they are."""
    kept = np.where(scores > 0, scores, np.float32(-np.inf))
    return best_of(source, kept, n, eligible=eligible)
