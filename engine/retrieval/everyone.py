"""What is proposed to everybody alike: popular, trending and new tracks."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ranker.candidates import Candidates, FloatArray, IntArray, Query, top_n


class FixedRetriever:
    """Tracks by scores that are the same for everybody, ordered once.

    Parameters
    ----------
    name : str
    scores : ndarray of float32, shape (n_tracks,)
        Only tracks that score above 0 are proposed.
    order : ndarray of int32, shape (n_tracks,), optional
        All tracks, best first, where equal scores are not to stand in the order of the tracks.
    """

    def __init__(self, name: str, scores: FloatArray, *, order: IntArray | None = None) -> None:
        self.name = name
        self.scores = scores
        self._order = top_n(scores, scores.size) if order is None else order
        self._proposed = int(np.count_nonzero(scores > 0))

    def retrieve(self, query: Query, n: int) -> Candidates:
        """Return the `n` best eligible tracks."""
        return self._first(query, n, self._order[: self._proposed])

    def everything(self, query: Query, n: int) -> Candidates:
        """Return the same, with tracks that do not score above 0 behind them."""
        return self._first(query, n, self._order)

    def _first(self, query: Query, n: int, order: IntArray) -> Candidates:
        tracks = order[query.eligible[order]][:n]
        return Candidates(self.name, tracks, self.scores[tracks])


class PopularRetriever(FixedRetriever):
    """Tracks by how many users played them; the same for everybody.

    Parameters
    ----------
    listeners, plays : ndarray of float32, shape (n_tracks,)
        Distinct users and plays of each track; plays decide between tracks of equally many users.
    """

    def __init__(self, listeners: npt.NDArray[np.float32], plays: npt.NDArray[np.float32]) -> None:
        order = np.lexsort((-plays, -listeners)).astype(np.int32)  # stable
        super().__init__("popular", np.asarray(listeners, np.float32), order=order)


class TrendingRetriever(FixedRetriever):
    """Tracks by how far their recent listeners exceed their share of all listeners.

    With r recent listeners of a track (each counted less the longer ago) and e the number that a
    track of as many listeners has on average, the score is (r - e) / sqrt(e + 1): in units of what
    chance would do.

    Parameters
    ----------
    listeners, recent : ndarray of float32, shape (n_tracks,)
    """

    def __init__(self, listeners: npt.NDArray[np.float32], recent: npt.NDArray[np.float32]) -> None:
        expected = listeners * (recent.sum() / max(float(listeners.sum()), 1.0))
        excess = (recent - expected) / np.sqrt(expected + 1)
        super().__init__("trending", excess.astype(np.float32))


class NewRetriever(FixedRetriever):
    """Tracks by their day of release, the last first.

    Parameters
    ----------
    released : ndarray of float32, shape (n_tracks,)
        Days since 1970; NaN where unknown.
    """

    def __init__(self, released: npt.NDArray[np.float32]) -> None:
        first = np.nanmin(released) if np.isfinite(released).any() else 0
        days = np.where(np.isfinite(released), released - first + 1, 0)  # from 1 for the oldest
        super().__init__("new", days.astype(np.float32))
