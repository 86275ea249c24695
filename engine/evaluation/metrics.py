"""Measures of accuracy, one value a user, vectorised over users.

Relevance is binary: a held-out track is relevant, any other is not. With ``hit_i`` = 1 where the
track at rank ``i`` (from 1) is relevant and ``r`` = the number of the user's held-out tracks:

=========  ==========================================================================
ndcg       sum(hit_i / log2(i + 1), i <= k) / sum(1 / log2(i + 1), i <= min(r, k))
recall     sum(hit_i, i <= k) / r: of *all* held-out tracks, so below 1 where r > k
mrr        1 / rank of the first hit within k, else 0
map        sum(hit_i * precision@i, i <= k) / min(r, k)
hit_rate   1 if there is a hit within k, else 0
=========  ==========================================================================

nDCG: Järvelin and Kekäläinen, "Cumulated gain-based evaluation of IR techniques", ACM TOIS 20(4),
2002, with the logarithm applied from rank 1 on. MAP is normalised by min(r, k), so that a perfect
list scores 1 at any k.

What a list is worth beside its hits is measured in `beyond`.
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


ACCURACY: Mapping[str, Callable[[Ranked, int], FloatVector]] = {
    "ndcg": ndcg,
    "recall": recall,
    "mrr": mrr,
    "map": average_precision,
    "hit_rate": hit_rate,
}
"""Measures of the hits, by name."""


def names(ks: Sequence[int]) -> list[str]:
    """Return the columns of `accuracy`, such as "ndcg@10"."""
    return [f"{metric}@{k}" for k in ks for metric in ACCURACY]


def accuracy(ranked: Ranked, ks: Sequence[int]) -> FloatVector:
    """Return every measure of the hits at every k, shape (m, number of `names`)."""
    return np.column_stack([measure(ranked, k) for k in ks for measure in ACCURACY.values()])


def restrict(
    ranked: Ranked,
    users: npt.NDArray[np.int64],
    *,
    tracks: npt.NDArray[np.bool_],
    relevant: npt.NDArray[np.int64],
) -> Ranked:
    """Return the same lists of some of the users, with only some of the tracks for targets.

    Parameters
    ----------
    ranked : Ranked
        Of m users.
    users : ndarray of int64, shape (p,)
        Rows of `ranked`.
    tracks : ndarray of bool, shape (t,)
        Which tracks still count as targets. Lists keep the others, as misses.
    relevant : ndarray of int64, shape (p,)
        Number of these targets of each of the users, above zero.
    """
    lists = ranked.tracks[users]
    # The last column of `tracks` stands for "no track left" too, but that is never a hit.
    return Ranked(lists, ranked.hits[users] & tracks[lists], relevant)
