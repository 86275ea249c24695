"""The learned ranker as a blend: candidates with their features in, probabilities out."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from ranker.candidates import CandidatePool, Candidates, IntArray, Query, top_n
from ranker.features import FEATURES
from ranker.lambdamart import LambdaMART
from ranker.sources import SIGNALS

Features = Callable[[Query, CandidatePool], npt.NDArray[np.float32]]


class LearnedRanker:
    """Ranks a pool by a trained LambdaMART.

    Parameters
    ----------
    model : LambdaMART
    features : callable
        Computes the features of a pool, float32, shape (m, len(FEATURES)).
    """

    name = "learned"

    def __init__(self, model: LambdaMART, features: Features) -> None:
        self.model = model
        self._features = features

    def uses(self, source: str) -> bool:  # noqa: ARG002 - Blend
        """Whether the candidates of a source are worth asking for: of all."""
        return True

    def rank(self, query: Query, pool: CandidatePool, n: int) -> Candidates:
        """Return the best `n` of the pool, best first; scores are probabilities of a listen."""
        raw = self.model.ranked(self._table(query, pool))
        best = top_n(raw, n)
        probabilities = self.model.calibration(raw[best]).astype(np.float32)
        return Candidates(self.name, pool.tracks[best], probabilities)

    def shares(
        self, query: Query, pool: CandidatePool, tracks: IntArray
    ) -> npt.NDArray[np.float64]:
        """Return how much each signal weighed for some tracks, shape (k, 3), rows adding up to 1.

        A signal's weight is what its features add to the score of the track beyond what they add
        to an average candidate of training; a signal that speaks against the track has none. Zeros
        for a track outside of the pool, and for one that no signal speaks for.
        """
        shares = np.zeros((tracks.size, len(SIGNALS)))
        at, known = pool.rows(tracks)
        if not at.size:
            return shares
        added = self.model.contributions(self._table(query, pool)[at])
        signals = np.array([feature.signal for feature in FEATURES])
        for column, name in enumerate(SIGNALS):
            shares[known, column] = np.maximum(added[:, signals == name].sum(axis=1), 0)
        totals = shares.sum(axis=1, keepdims=True)
        relative: npt.NDArray[np.float64] = np.divide(
            shares, totals, out=np.zeros_like(shares), where=totals > 0
        )
        return relative

    def _table(self, query: Query, pool: CandidatePool) -> npt.NDArray[np.float32]:
        return query.once((self, pool), lambda: self._features(query, pool))
