"""Maximal marginal relevance.

Carbonell, Goldstein, "The Use of MMR, Diversity-Based Reranking for Reordering Documents and
Producing Summaries", SIGIR 1998. `diversity` is 1 - lambda of the paper.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from data.errors import ParameterError
from data.threads import one_blas_thread
from ranker.candidates import Candidates

FloatArray = npt.NDArray[np.float32]


def mmr(
    candidates: Candidates,
    embeddings: FloatArray,
    *,
    n: int,
    diversity: float,
    among: int = 1_000,
) -> Candidates:
    """Choose `n` candidates one by one, each good and unlike those before it.

    The next one is where (1 - diversity) * relevance - diversity * (highest cosine with a chosen
    one) is highest; the earlier candidate wins a tie.

    Parameters
    ----------
    candidates : Candidates
        Best first.
    embeddings : ndarray of float32, shape (n_tracks, d)
        Of unit length; a zero row (no embedding) is like nothing. Only the rows of the candidates
        are read.
    n : int
    diversity : float
        0 returns the head of `candidates`; 1 looks at nothing but unlikeness.
    among : int
        Only so many of the first candidates can be chosen (`n` of them at least): who stands
        behind these is no good recommendation, however unlike the others.

    Returns
    -------
    Candidates
        min(n, m) tracks in the order chosen, with the scores they came with.

    Raises
    ------
    ParameterError
        If `diversity` is outside 0..1.
    """
    if not 0 <= diversity <= 1:
        raise ParameterError(f"`diversity` must be from 0 to 1. Received: {diversity!r}.")
    n = min(max(n, 0), len(candidates))
    if diversity == 0 or n == 0:
        return candidates.head(n)
    head = candidates.head(max(n, among))
    vectors = np.asarray(embeddings[head.tracks], dtype=np.float32)  # (m, d)
    relevance = (1 - diversity) * _unit_range(head.scores)
    with one_blas_thread():
        order = _greedy(relevance, vectors, n=n, diversity=diversity)
    return Candidates(candidates.source, candidates.tracks[order], candidates.scores[order])


def _greedy(
    relevance: npt.NDArray[np.float64], vectors: FloatArray, *, n: int, diversity: float
) -> npt.NDArray[np.intp]:
    likeness = np.zeros_like(relevance)  # highest cosine with a chosen one; none is chosen yet
    free = np.ones(relevance.size, bool)
    order = np.empty(n, np.intp)
    for place in range(n):
        value = np.where(free, relevance - diversity * likeness, -np.inf)
        best = int(np.argmax(value))
        order[place] = best
        free[best] = False
        cosine = vectors @ vectors[best]  # (m, d) @ (d,) -> (m,)
        likeness = cosine if place == 0 else np.maximum(likeness, cosine)
    return order


def _unit_range(scores: FloatArray) -> npt.NDArray[np.float64]:
    """Scale scores to 0..1; to 1 where all are equal."""
    values = scores.astype(np.float64)
    low, high = values.min(), values.max()
    if high == low:
        return np.ones_like(values)
    scaled: npt.NDArray[np.float64] = (values - low) / (high - low)
    return scaled
