"""What behaviour proposes: by factors, by neighbours, and for tracks that nobody has played."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from cf_model.foldin import FoldIn
from cf_model.neighbours import ItemNeighbours
from data.threads import one_blas_thread
from ranker.candidates import Candidates, FloatArray, IntArray, Query, best_above_zero


class CFRetriever:
    """Tracks by the product of their factor with the user's, folded in from the full history.

    Parameters
    ----------
    foldin : FoldIn
        Solves for a user's factor.
    item_factors : ndarray of float32, shape (n_tracks, f)
    """

    name = "cf"

    def __init__(self, foldin: FoldIn, item_factors: npt.NDArray[np.float32]) -> None:
        self._foldin = foldin
        self._item_factors = item_factors

    def scores(self, query: Query) -> FloatArray | None:
        """Return the score of every track, shape (n_tracks,); None if the history is mute."""
        return query.once((self, "cf"), lambda: self._scores(query))

    def _scores(self, query: Query) -> FloatArray | None:
        user = self._foldin.user(query.history.tracks, query.history.counts)
        if not user.any():
            return None
        with one_blas_thread():
            found: FloatArray = self._item_factors @ user  # (n_tracks, f) @ (f,) -> (n_tracks,)
        return found

    def retrieve(self, query: Query, n: int) -> Candidates:
        """Return the `n` best eligible tracks that score above 0; none if the history is mute."""
        scores = self.scores(query)
        if scores is None:
            return Candidates(self.name)
        # Zero is what the model predicts for a pair it knows nothing about: no proposal.
        return best_above_zero(self.name, scores, n, eligible=query.eligible)


class ColdRetriever:
    """Tracks that nobody has played, by the factors that their sound predicts.

    Their scores are those of `CFRetriever`, but they compete among themselves: a predicted factor
    is shorter than a trained one, so next to played tracks they would hardly ever be proposed.

    Parameters
    ----------
    cf : CFRetriever
    cold : ndarray of int32, shape (c,)
        The tracks with a predicted factor and no listener, ascending.
    """

    name = "cold"

    def __init__(self, cf: CFRetriever, cold: IntArray) -> None:
        self._cf, self._cold = cf, cold

    def retrieve(self, query: Query, n: int) -> Candidates:
        """Return the `n` best eligible cold tracks that score above 0."""
        scores = self._cf.scores(query) if self._cold.size else None
        if scores is None:
            return Candidates(self.name)
        cold = self._cold[query.eligible[self._cold]]
        found = best_above_zero(self.name, scores[cold], n)
        return Candidates(self.name, cold[found.tracks], found.scores)


class NeighbourRetriever:
    """Tracks by how strongly a walk over listeners leads there from what the user played.

    Parameters
    ----------
    neighbours : ItemNeighbours
    """

    name = "neighbours"

    def __init__(self, neighbours: ItemNeighbours) -> None:
        self._neighbours = neighbours

    def scores(self, query: Query) -> FloatArray:
        """Return the score of every track, shape (n_tracks,); 0 where no walk leads."""
        return query.once(
            (self, "neighbours"), lambda: self._neighbours.reached(query.history.tracks)
        )

    def retrieve(self, query: Query, n: int) -> Candidates:
        """Return the `n` best eligible tracks that a walk reaches."""
        return best_above_zero(self.name, self.scores(query), n, eligible=query.eligible)
