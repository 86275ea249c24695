"""Reciprocal-rank fusion: the blend that needs no training.

Cormack, Clarke, Buettcher, "Reciprocal Rank Fusion outperforms Condorcet and individual Rank
Learning Methods", SIGIR 2009.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ranker.candidates import CandidatePool, Candidates, IntArray, Query, top_n
from ranker.config import RankerConfig
from ranker.sources import SIGNAL_OF, SIGNALS


class ReciprocalRankFusion:
    """Ranks a pool by the sum over sources s of w_s / (k + rank_s).

    Parameters
    ----------
    config : RankerConfig
        `rrf_k` and the weights of the sources.
    """

    name = "rrf"

    def __init__(self, config: RankerConfig) -> None:
        self.config = config

    def contributions(self, pool: CandidatePool) -> npt.NDArray[np.float64]:
        """Return what each source adds to the score of each track.

        Returns
        -------
        ndarray of float64, shape (m, s)
            0 where a source did not propose the track.
        """
        weights = np.array([self.config.weight(source) for source in pool.sources])
        return np.where(pool.ranks > 0, weights / (self.config.rrf_k + pool.ranks), 0.0)

    def uses(self, source: str) -> bool:
        """Whether the candidates of a source are worth asking for: those of any weight."""
        return self.config.weight(source) > 0

    def shares(
        self,
        query: Query,  # noqa: ARG002 - Blend
        pool: CandidatePool,
        tracks: IntArray,
    ) -> npt.NDArray[np.float64]:
        """Return the share of each signal in the fused score of each track, shape (k, 3).

        See `ranker.sources.SIGNALS`. Zeros for a track outside of the pool.
        """
        terms = self.contributions(pool)
        total = terms.sum(axis=1, keepdims=True)
        terms = np.divide(terms, total, out=np.zeros_like(terms), where=total > 0)
        shares = np.zeros((tracks.size, len(SIGNALS)))
        at, known = pool.rows(tracks)
        for source, column in zip(pool.sources, terms.T, strict=True):
            if source in SIGNAL_OF:
                shares[known, SIGNALS.index(SIGNAL_OF[source])] += column[at]
        return shares

    def rank(self, query: Query, pool: CandidatePool, n: int) -> Candidates:  # noqa: ARG002 - Ranker
        """Return the best `n` of the pool, best first, ties by lower track index."""
        return self.best(pool, n)

    def best(self, pool: CandidatePool, n: int) -> Candidates:
        """Do what `rank` does, which needs no query."""
        # Rounded before they are compared: equal terms, added up in another order, may differ in
        # the last digit of float64, and must tie.
        scores = self.contributions(pool).sum(axis=1).astype(np.float32)
        best = top_n(scores, n)
        return Candidates(self.name, pool.tracks[best], scores[best])
