"""One retriever a signal: behaviour, sound, popularity."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from cf_model.foldin import FoldIn
from data.threads import one_blas_thread
from engine.taste import SoundIndex, TasteConfig, taste_centres, taste_scores
from ranker.candidates import Candidates, Query, best_of


class PopularRetriever:
    """Tracks by how many users played them; the same for everybody.

    Parameters
    ----------
    listeners, plays : ndarray of float32, shape (n_tracks,)
        Distinct users and plays of each track; plays decide between tracks of equally many users.
    """

    name = "popular"

    def __init__(self, listeners: npt.NDArray[np.float32], plays: npt.NDArray[np.float32]) -> None:
        share = plays / (plays.max(initial=0) + 1)  # below 1, so that it only breaks ties
        self.scores = (listeners + share).astype(np.float32)

    def retrieve(self, query: Query, n: int) -> Candidates:
        """Return the `n` most popular eligible tracks; none that nobody played."""
        found = self.everything(query, n)
        return found.head(int(np.count_nonzero(found.scores > 0)))

    def everything(self, query: Query, n: int) -> Candidates:
        """Return the `n` most popular eligible tracks, those that nobody played at the end."""
        return best_of(self.name, self.scores.copy(), n, eligible=query.eligible)


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

    def retrieve(self, query: Query, n: int) -> Candidates:
        """Return the `n` best eligible tracks that score above 0; none if the history is mute."""
        user = self._foldin.user(query.history.tracks, query.history.counts)
        if not user.any():
            return Candidates(self.name)
        with one_blas_thread():
            scores = self._item_factors @ user  # (n_tracks, f) @ (f,) -> (n_tracks,)
        # Zero is what the model predicts for a pair it knows nothing about: no proposal.
        scores[scores <= 0] = -np.inf
        return best_of(self.name, scores, n, eligible=query.eligible)


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

    def retrieve(self, query: Query, n: int) -> Candidates:
        """Return the `n` best eligible embedded tracks; none if no played track is embedded."""
        if query.history.empty:
            return Candidates(self.name)
        index, config = self.index, self._config
        with one_blas_thread():
            centres = taste_centres(
                query.history, index.embeddings, space=index.space, config=config
            )
            if not len(centres):
                return Candidates(self.name)
            products = index.products(centres.means)
            scores = taste_scores(products, centres.masses, temperature=config.temperature)
        scores[index.unknown] = -np.inf
        return best_of(self.name, scores, n, eligible=query.eligible)
