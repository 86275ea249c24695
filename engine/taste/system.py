"""Centres of taste of many users, scored by blocks: for evaluation."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from data.history import History
from data.threads import one_blas_thread
from engine.taste.centres import centres_of, play_weights
from engine.taste.config import TasteConfig
from engine.taste.scoring import taste_scores
from engine.taste.space import SoundSpace

FloatMatrix = npt.NDArray[np.float32]


@dataclass(frozen=True)
class TasteSystem:
    """Scores every candidate of a task for some of its users, as `AudioRetriever` does.

    Attributes
    ----------
    name : str
    means : ndarray of float32, shape (sum of k, d)
        The centres of all users, one user after the other.
    masses : csr_matrix of float32, shape (m, sum of k)
        Of each user, in the columns of the user's own centres; an empty row says nothing.
    items : ndarray of float32, shape (e, d)
        The candidates in the same space, at length 1; a zero row for an unknown one.
    temperature : float
    """

    name: str
    means: FloatMatrix
    masses: sp.csr_matrix
    items: FloatMatrix
    temperature: float

    @classmethod
    def of(
        cls,
        histories: Iterable[History],
        embeddings: FloatMatrix,
        *,
        candidates: npt.NDArray[np.int32],
        config: TasteConfig | None = None,
        name: str = "audio",
    ) -> TasteSystem:
        """Find the centres of every user.

        Parameters
        ----------
        histories : iterable of History
            Of each tested user, in order; see `histories_of`.
        embeddings : ndarray of float32, shape (t, d)
            Normalised to length 1; a zero row for a track without one.
        candidates : ndarray of int32, shape (e,)
            The eligible tracks.
        config : TasteConfig, optional
        name : str
        """
        config = config or TasteConfig()
        with one_blas_thread():
            vectors = SoundSpace.of(embeddings, whiten=config.whiten).unit(embeddings)
            centres = [
                centres_of(
                    vectors[history.tracks],
                    play_weights(history, half_life_days=config.half_life_days),
                    config.max_centres,
                )
                for history in histories
            ]
        starts = np.cumsum([0, *(len(of_user) for of_user in centres)])
        every = [vectors[:0], *(of_user.means for of_user in centres)]
        masses = np.concatenate([np.empty(0, np.float32), *(c.masses for c in centres)])
        shape = (len(centres), int(starts[-1]))
        matrix = sp.csr_matrix((masses, np.arange(shape[1]), starts), shape=shape)
        return cls(name, np.concatenate(every), matrix, vectors[candidates], config.temperature)

    def scores(self, rows: slice) -> FloatMatrix:
        """Return scores of shape (b, e); minus infinity for an unknown user or track."""
        masses = self.masses[rows]
        first, last = self.masses.indptr[[rows.start or 0, (rows.start or 0) + masses.shape[0]]]
        products = self.means[first:last] @ self.items.T  # (k, d) @ (d, e) -> (k, e)
        scores = taste_scores(products, masses[:, first:last], temperature=self.temperature)
        scores[:, ~self.items.any(axis=1)] = -np.inf
        return scores


def histories_of(plays: sp.csr_matrix) -> Iterator[History]:
    """Yield each row of plays, csr_matrix of shape (m, t), as a history of unknown times."""
    for first, last in zip(plays.indptr[:-1], plays.indptr[1:], strict=True):
        tracks = plays.indices[first:last].astype(np.int32)
        counts = plays.data[first:last].astype(np.float32)
        yield History(tracks, counts, np.full(tracks.size, -1, np.int64))
