"""Measures of ranked lists, one value a user, vectorised over users.

Relevance is binary: a held-out track is relevant, any other is not. With ``hit_i`` = 1 where the
track at rank ``i`` (from 1) is relevant and ``r`` = the number of the user's held-out tracks:

=========  ==========================================================================
ndcg       sum(hit_i / log2(i + 1), i <= k) / sum(1 / log2(i + 1), i <= min(r, k))
recall     sum(hit_i, i <= k) / r: of *all* held-out tracks, so below 1 where r > k
mrr        1 / rank of the first hit within k, else 0
map        sum(hit_i * precision@i, i <= k) / min(r, k)
hit_rate   1 if there is a hit within k, else 0
coverage   share of the eligible tracks that at least one user's list of k holds
=========  ==========================================================================

nDCG: Järvelin and Kekäläinen, "Cumulated gain-based evaluation of IR techniques", ACM TOIS 20(4),
2002, with the logarithm applied from rank 1 on. MAP is normalised by min(r, k), so that a perfect
list scores 1 at any k.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatVector = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Ranked:
    """What one system answered to all users of a test.

    Attributes
    ----------
    tracks : ndarray of int32, shape (m, depth)
        Lists, best first; -1 where no track is left.
    hits : ndarray of bool, shape (m, depth)
        Whether each was held out for that user.
    relevant : ndarray of int64, shape (m,)
        Number of held-out tracks of each user, above zero.
    """

    tracks: npt.NDArray[np.int32]
    hits: npt.NDArray[np.bool_]
    relevant: npt.NDArray[np.int64]


def ndcg(ranked: Ranked, k: int) -> FloatVector:
    """Return nDCG@k of each user, shape (m,)."""
    discounts = 1 / np.log2(np.arange(2, k + 2))
    ideal = np.concatenate([[0.0], np.cumsum(discounts)])[np.minimum(ranked.relevant, k)]
    hits = ranked.hits[:, :k]
    gains: FloatVector = hits @ discounts[: hits.shape[1]] / ideal
    return gains


def recall(ranked: Ranked, k: int) -> FloatVector:
    """Return Recall@k of each user, shape (m,)."""
    found = ranked.hits[:, :k].sum(axis=1)
    return np.asarray(found / ranked.relevant)


def mrr(ranked: Ranked, k: int) -> FloatVector:
    """Return the reciprocal rank of each user's first hit within k, shape (m,)."""
    hits = ranked.hits[:, :k]
    reciprocal: FloatVector = np.where(hits.any(axis=1), 1 / (1 + hits.argmax(axis=1)), 0.0)
    return reciprocal


def average_precision(ranked: Ranked, k: int) -> FloatVector:
    """Return the average precision at k of each user, shape (m,)."""
    hits = ranked.hits[:, :k]
    precision = np.cumsum(hits, axis=1) / np.arange(1, hits.shape[1] + 1)
    mean: FloatVector = (hits * precision).sum(axis=1) / np.minimum(ranked.relevant, k)
    return mean


def hit_rate(ranked: Ranked, k: int) -> FloatVector:
    """Return 1 for each user with a hit within k, else 0, shape (m,)."""
    return np.asarray(ranked.hits[:, :k].any(axis=1), np.float64)


def coverage(ranked: Ranked, k: int, eligible: int) -> float:
    """Return the share of `eligible` tracks that appear in at least one list of k."""
    shown = np.unique(ranked.tracks[:, :k])
    return float((shown >= 0).sum() / eligible)


PER_USER: Mapping[str, Callable[[Ranked, int], FloatVector]] = {
    "ndcg": ndcg,
    "recall": recall,
    "mrr": mrr,
    "map": average_precision,
    "hit_rate": hit_rate,
}
"""Measures with one value a user, and so with an interval, by name."""

OF_ALL: Mapping[str, Callable[[Ranked, int, int], float]] = {"coverage": coverage}
"""Measures of all lists together (given the number of eligible tracks), by name."""


def names(ks: Sequence[int]) -> list[str]:
    """Return the columns of `per_user`, such as "ndcg@10"."""
    return [f"{metric}@{k}" for k in ks for metric in PER_USER]


def per_user(ranked: Ranked, ks: Sequence[int]) -> FloatVector:
    """Return every per-user measure at every k, shape (m, number of `names`)."""
    return np.column_stack([measure(ranked, k) for k in ks for measure in PER_USER.values()])


def of_all(ranked: Ranked, ks: Sequence[int], *, eligible: int) -> dict[str, float]:
    """Return every measure of all lists together at every k, such as "coverage@10"."""
    return {
        f"{name}@{k}": measure(ranked, k, eligible) for k in ks for name, measure in OF_ALL.items()
    }
