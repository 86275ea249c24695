"""What sound proposes: by the user's centres of taste, and near what was played last."""

from __future__ import annotations

import numpy as np

from data.history import History
from data.threads import one_blas_thread
from engine.taste import SoundIndex, TasteCentres, TasteConfig, taste_centres, taste_scores
from ranker.candidates import Candidates, FloatArray, IntArray, Query, best_above_zero, best_of

SEEDS = 3
"""Plays that count as the last ones. Three are a mood; more are a taste, which has its centres."""


class AudioRetriever:
    """Tracks by how well their embedding fits the user's centres of taste in sound.

    Parameters
    ----------
    index : SoundIndex
        Over the embeddings.
    config : TasteConfig, optional
        Of the centres and their blend.
    """

    name = "audio"

    def __init__(self, index: SoundIndex, config: TasteConfig | None = None) -> None:
        self.index = index
        self._config = config or TasteConfig()

    def centres(self, query: Query) -> TasteCentres | None:
        """Return the user's centres of taste; None if no played track is embedded."""
        return query.once((self, "centres"), lambda: self._centres(query))

    def scores(self, query: Query) -> FloatArray | None:
        """Return the score of every track, shape (n_tracks,).

        Minus infinity for one without an embedding; None if no played track has one.
        """
        return query.once((self, "audio"), lambda: self._scores(query))

    def _centres(self, query: Query) -> TasteCentres | None:
        if query.history.empty:
            return None
        with one_blas_thread():
            index, config = self.index, self._config
            found = taste_centres(query.history, index.embeddings, space=index.space, config=config)
        return found if len(found) else None

    def _scores(self, query: Query) -> FloatArray | None:
        centres = self.centres(query)
        if centres is None:
            return None
        with one_blas_thread():
            products = self.index.products(centres.means)
            scores = taste_scores(products, centres.masses, temperature=self._config.temperature)
        scores[self.index.unknown] = -np.inf
        return scores

    def retrieve(self, query: Query, n: int) -> Candidates:
        """Return the `n` best eligible embedded tracks; none if no played track is embedded."""
        scores = self.scores(query)
        if scores is None:
            return Candidates(self.name)
        return best_of(self.name, scores.copy(), n, eligible=query.eligible)


class SeedRetriever:
    """Tracks that sound like one of the last plays, or like a seed of a request.

    Parameters
    ----------
    index : SoundIndex
    """

    name = "seeds"

    def __init__(self, index: SoundIndex) -> None:
        self.index = index

    def scores(self, query: Query) -> FloatArray | None:
        """Return each track's highest cosine with a seed, shape (n_tracks,); None without seeds.

        Minus infinity for a track without an embedding.
        """
        return query.once((self, "seeds"), lambda: self._scores(query))

    def _scores(self, query: Query) -> FloatArray | None:
        seeds = last_played(query.history)
        with one_blas_thread():
            vectors = self.index.space.unit(self.index.embeddings[seeds])
            vectors = vectors[vectors.any(axis=1)]
            if not len(vectors):
                return None
            scores: FloatArray = self.index.products(vectors).max(axis=0)
        scores[self.index.unknown] = -np.inf
        return scores

    def retrieve(self, query: Query, n: int) -> Candidates:
        """Return the `n` eligible tracks nearest to a seed, those alone that are like it at all."""
        scores = self.scores(query)
        if scores is None:
            return Candidates(self.name)
        return best_above_zero(self.name, scores, n, eligible=query.eligible)


def last_played(history: History) -> IntArray:
    """Return the `SEEDS` tracks played last, shape (at most SEEDS,).

    Of unknown times, all tracks of a history that is no longer than that are seeds; of a longer
    one, nobody knows which were the last, so none is.
    """
    if history.tracks.size <= SEEDS:
        return history.tracks
    known = np.flatnonzero(history.last_at >= 0)
    last = known[np.argsort(-history.last_at[known], kind="stable")[:SEEDS]]
    return history.tracks[last]
