"""Measures of lists beside their hits: what they show, to whom, how varied.

With the list of a user cut to its first k tracks, ``listeners`` counted in the training part, and
U the number of users in it:

========  ==========================================================================================
novelty   mean of -log2(max(listeners, 1) / U): a track that nobody played counts like one that one
          user played. Bits; 0 for a track that everybody knows
artist    artist concentration: share of the list by its most frequent artist; a track of unknown
          artist is by an artist of its own
diversity mean of 1 - cosine over the pairs of tracks that have an embedding; 0 where fewer than two
          tracks have one
coverage  share of the eligible tracks that at least one user's list holds
gini      Gini coefficient of the eligible tracks' numbers of appearances in all lists: 0 where all
          appear equally often, near 1 where few appear at all
========  ==========================================================================================

The first three have a value a user, and 0 for an empty list. Novelty: Zhou et al., "Solving the
apparent diversity-accuracy dilemma of recommender systems", PNAS 107(10), 2010. Diversity: Ziegler
et al., "Improving recommendation lists through topic diversification", WWW 2005, with cosine
distance. Gini: Adomavicius and Kwon, "Improving aggregate recommendation diversity using
ranking-based techniques", IEEE TKDE 24(5), 2012.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from engine.evaluation.metrics import FloatVector, Ranked

IntVector = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Background:
    """What is known of the tracks, the same for every system.

    Attributes
    ----------
    listeners : ndarray of int64, shape (t,)
        Distinct users in the training part who played each track.
    users : int
        Distinct users in the training part.
    artists : ndarray of int32, shape (t,)
        Codes of the artists; -1 where the artist is unknown.
    eligible : int
        Number of eligible tracks.
    vectors : ndarray of float32, shape (t, d), optional
        Embeddings of length 1; a zero row for a track without one. None: there are none.
    """

    listeners: IntVector
    users: int
    artists: npt.NDArray[np.int32]
    eligible: int
    vectors: npt.NDArray[np.float32] | None = None

    @cached_property
    def information(self) -> FloatVector:
        """Self-information of each track in bits, shape (t,)."""
        known = np.maximum(self.listeners, 1) / max(self.users, 1)
        return np.asarray(-np.log2(known))

    @cached_property
    def makers(self) -> IntVector:
        """Codes of the artists, shape (t,); one of its own for each unknown artist."""
        first = int(self.artists.max(initial=-1)) + 1
        own = first + np.arange(len(self.artists))
        return np.where(self.artists < 0, own, self.artists)


def novelty(ranked: Ranked, k: int, background: Background) -> FloatVector:
    """Return the mean self-information of each user's list, shape (m,), bits."""
    tracks, shown = _cut(ranked, k)
    total = np.where(shown, background.information[tracks], 0.0).sum(axis=1)
    return np.asarray(total / np.maximum(shown.sum(axis=1), 1))


def artist(ranked: Ranked, k: int, background: Background) -> FloatVector:
    """Return the share of each user's list by its most frequent artist, shape (m,)."""
    tracks, shown = _cut(ranked, k)
    # The places without a track are by artists of their own, so that they are never alike.
    nobody = -1 - np.arange(tracks.shape[1])
    codes = np.sort(np.where(shown, background.makers[tracks], nobody), axis=1)
    longest: FloatVector = np.asarray(shown.any(axis=1), np.float64)
    for step in range(1, codes.shape[1]):  # equal codes `step` apart: a run of step + 1
        repeated = (codes[:, step:] == codes[:, :-step]).any(axis=1)
        if not repeated.any():
            break
        longest[repeated] = step + 1
    return np.asarray(longest / np.maximum(shown.sum(axis=1), 1))


def diversity(ranked: Ranked, k: int, background: Background) -> FloatVector:
    """Return the mean cosine distance within each user's list, shape (m,).

    The sum of all cosines is the squared length of the vectors' sum, so that no pair is visited.

    Raises
    ------
    ValueError
        If there are no embeddings.
    """
    vectors = background.vectors
    if vectors is None:
        raise ValueError("the diversity of lists needs embeddings")
    tracks, shown = _cut(ranked, k)
    total = np.zeros((len(tracks), vectors.shape[1]))
    own, known = np.zeros(len(tracks)), np.zeros(len(tracks))
    for column, there in zip(tracks.T, shown.T, strict=True):
        rows = np.where(there[:, np.newaxis], vectors[column], 0).astype(np.float64)  # (m, d)
        lengths = np.einsum("md,md->m", rows, rows)
        total += rows
        own += lengths
        known += lengths > 0
    ordered = known * (known - 1)  # pairs, each twice
    cosines = (np.einsum("md,md->m", total, total) - own) / np.maximum(ordered, 1)
    return np.asarray(np.where(known > 1, 1 - cosines, 0.0))


def coverage(ranked: Ranked, k: int, background: Background) -> float:
    """Return the share of the eligible tracks that appear in at least one list of k."""
    return len(_appearances(ranked, k)) / background.eligible


def gini(ranked: Ranked, k: int, background: Background) -> float:
    """Return the Gini coefficient of the eligible tracks' appearances in lists of k."""
    counts = np.sort(_appearances(ranked, k))
    total, n = int(counts.sum()), background.eligible
    if not total:
        return 0.0
    # Tracks that never appear come first in ascending order and add nothing to the sum.
    places = np.arange(n - len(counts) + 1, n + 1)
    return float(((2 * places - n - 1) * counts).sum() / (n * total))


OF_LISTS: Mapping[str, Callable[[Ranked, int, Background], FloatVector]] = {
    "novelty": novelty,
    "artist": artist,
    "diversity": diversity,
}
"""Measures with one value a user, by name; `diversity` is there when there are embeddings."""

OF_ALL: Mapping[str, Callable[[Ranked, int, Background], float]] = {
    "coverage": coverage,
    "gini": gini,
}
"""Measures of all lists together, by name."""


def names(ks: Sequence[int], background: Background) -> list[str]:
    """Return the columns of `of_lists`, such as "novelty@10"."""
    return [f"{metric}@{k}" for k in ks for metric in _measured(background)]


def of_lists(ranked: Ranked, ks: Sequence[int], background: Background) -> FloatVector:
    """Return every measure of the lists at every k, shape (m, number of `names`)."""
    found = [OF_LISTS[m](ranked, k, background) for k in ks for m in _measured(background)]
    return np.column_stack(found)


def of_all(ranked: Ranked, ks: Sequence[int], background: Background) -> dict[str, float]:
    """Return every measure of all lists together at every k, such as "coverage@10"."""
    return {f"{m}@{k}": measure(ranked, k, background) for k in ks for m, measure in OF_ALL.items()}


def _measured(background: Background) -> list[str]:
    return [name for name in OF_LISTS if name != "diversity" or background.vectors is not None]


def _cut(ranked: Ranked, k: int) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.bool_]]:
    """Return the first k tracks of each list, and where there is one."""
    tracks = ranked.tracks[:, :k]
    return tracks, tracks >= 0


def _appearances(ranked: Ranked, k: int) -> IntVector:
    """Return in how many lists of k each track that is in one appears, in the order of tracks."""
    tracks, shown = _cut(ranked, k)
    return np.unique(tracks[shown], return_counts=True)[1].astype(np.int64)
