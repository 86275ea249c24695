"""Similar tracks, and the users who would want one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from cf_model.prior import ContentPrior
from data.errors import BundleError, ParameterError
from data.history import History
from data.vectors import unit_rows
from engine.audience import Audience, Fans
from engine.audience import Listener as Listener
from engine.bundle import BundleContents
from engine.duplicates import one_of_each
from engine.index import ExactIndex, VectorIndex
from engine.request import Item, check_n
from engine.segments import HalfArray, matching_passages
from ranker.candidates import BoolArray, Candidates, Query, best_of, merge
from ranker.config import RankerConfig
from ranker.fusion import ReciprocalRankFusion

Vector = npt.NDArray[np.float32]


class SimilarTracks:
    """Finds tracks like a track, by sound, by listeners, or by both.

    Parameters
    ----------
    contents : BundleContents
        Of an opened bundle, or of a home that has none yet.
    config : RankerConfig
        Quotas and weights of the blend.
    neighbours : int
        How many similar-sounding played tracks stand in for one that nobody has played, where
        there is no `prior`.
    prior : ContentPrior, optional
        Predicts the factor of a track that nobody has played.
    """

    def __init__(
        self,
        contents: BundleContents,
        config: RankerConfig,
        *,
        neighbours: int,
        prior: ContentPrior | None = None,
    ) -> None:
        self._size = len(contents.catalog)
        self._quota = config.quota
        self._neighbours = neighbours
        self._prior = prior
        self._fusion = ReciprocalRankFusion(config)
        self._acoustic, self._behaviour = contents.acoustic, contents.behaviour
        self._one_of_each = one_of_each(contents.duplicates, contents.listeners)
        if self._acoustic is not None:
            self._index: VectorIndex = ExactIndex(self._acoustic.embeddings, self._acoustic.known)
        if self._behaviour is not None:
            self._norms = np.linalg.norm(self._behaviour.item_factors, axis=1)
            # A track that nobody has played may have a factor, too: the one its sound predicts.
            self._played = (self._norms > 0) & (contents.listeners > 0)
            self._fans = Fans(self._behaviour, self._played)

    def to_track(self, track: int, n: int, *, by: str) -> tuple[Item, ...]:
        """Return the `n` tracks most like one of the catalogue, best first.

        Parameters
        ----------
        track : int
            Index of the track; no track of its recording is in the answer.
        n : int
            1 to 1,000.
        by : {"audio", "listeners", "hybrid"}
            "hybrid" blends both, or takes the one that there is.

        Raises
        ------
        ParameterError
            If the track has no embedding, or no plays, and `by` asks for just that.
        """
        check_n(n)
        eligible = self._eligible(without=track)
        k = max(n, self._quota)
        lists = []
        if by != "listeners" and self._acoustic is not None and self._acoustic.known[track]:
            embedding = self._acoustic.embeddings[track]
            lists.append(self._index.search(embedding, k, eligible=eligible))
        if by != "audio" and self._behaviour is not None and self._played[track]:
            lists.append(self._by_listeners(track, k, eligible))
        if not lists:
            raise ParameterError(_nothing_known(by))
        items = self._blend(lists, eligible, n)
        return items if by == "listeners" else self._with_segments(items, self._chunks(track))

    def to_vector(
        self, vector: Vector, n: int, *, chunks: HalfArray | None = None
    ) -> tuple[Item, ...]:
        """Return the `n` tracks that sound most like an embedding.

        Parameters
        ----------
        vector : ndarray of float32, shape (d,)
        n : int
            1 to 1,000.
        chunks : ndarray of float16, shape (n_chunks, d), optional
            What its chunks sound like, unit rows; with them, items say where they are alike.
        """
        check_n(n)
        eligible = self._eligible()
        found = self._sounding_like(vector, n, eligible)
        return self._with_segments(self._blend([found], eligible, n), chunks)

    def listeners(self, track: int, n: int, *, exclude: BoolArray | None = None) -> Audience:
        """Return the users who would most want a track.

        Parameters
        ----------
        track : int
            Index of the track. If nobody has played it, its sound predicts its factor; see
            `predicted_factor`.
        n : int
            1 to 1,000.
        exclude : ndarray of bool, shape (n_users,), optional
            Users who are left out.
        """
        check_n(n)
        if self._behaviour is None:
            return Audience(None)
        if self._played[track]:
            factor = self._behaviour.item_factors[track]
            return Audience("plays", self._fans.of_played(factor, n, exclude=exclude))
        if self._acoustic is None or not self._acoustic.known[track]:
            return Audience(None)
        found = self.listeners_of_vector(self._acoustic.embeddings[track], n, exclude=exclude)
        return Audience("sound" if found else None, found)

    def listeners_of_vector(
        self, vector: Vector, n: int, *, exclude: BoolArray | None = None
    ) -> tuple[Listener, ...]:
        """Return the `n` users who would most want a track that sounds so, best first.

        The other parameters are those of `listeners`.
        """
        check_n(n)
        factor = self.predicted_factor(vector)
        return () if factor is None else self._fans.of_predicted(factor, n, exclude=exclude)

    def predicted_factor(self, vector: Vector) -> Vector | None:
        """Predict the factor of a track nobody has played, shape (f,), from its embedding.

        By the content prior; without one, it is the mean factor of the nearest played tracks in
        sound, weighted by their cosine where that is above zero.
        """
        if self._behaviour is None or self._acoustic is None:
            return None
        if self._prior is not None:
            self._check_width(vector)
            factors, _ = self._prior.predict(vector[np.newaxis])
            return np.asarray(factors[0])
        near = self._sounding_like(vector, self._neighbours, self._played)
        weights = np.clip(near.scores, 0, None)
        if not weights.any():
            return None
        taken = self._behaviour.item_factors[near.tracks]  # (neighbours, f)
        predicted: Vector = (weights @ taken / weights.sum()).astype(np.float32)
        return predicted

    def _eligible(self, *, without: int | None = None) -> npt.NDArray[np.bool_]:
        """Return one track of each recording, none of that of one track."""
        eligible = np.ones(self._size, bool)
        if without is not None:
            self._one_of_each.exclude(eligible, np.array([without], np.int32))
        self._one_of_each.keep_one(eligible)
        return eligible

    def _check_width(self, vector: Vector) -> None:
        if self._acoustic is None:
            raise BundleError(
                "The current bundle has no embeddings. Train it with tracks that have audio."
            )
        width = self._acoustic.embeddings.shape[1]
        if vector.shape != (width,):
            raise ParameterError(
                f"An embedding must have {width} numbers. Received: {vector.shape[-1]}."
            )

    def _sounding_like(self, vector: Vector, n: int, eligible: npt.NDArray[np.bool_]) -> Candidates:
        self._check_width(vector)
        unit = unit_rows(vector[np.newaxis])[0]
        return self._index.search(unit, n, eligible=eligible)

    def _chunks(self, track: int) -> HalfArray | None:
        segments = None if self._acoustic is None else self._acoustic.segments
        return None if segments is None else segments.of(track)

    def _with_segments(self, items: tuple[Item, ...], chunks: HalfArray | None) -> tuple[Item, ...]:
        """Say where each item sounds like a track of these chunks, if its own are known."""
        segments = None if self._acoustic is None else self._acoustic.segments
        if segments is None or chunks is None or not len(chunks):
            return items
        own = [segments.of(item.track) for item in items]
        found = matching_passages(chunks, own, seconds=segments.seconds)
        return tuple(replace(i, segments=s) for i, s in zip(items, found, strict=True))

    def _by_listeners(self, track: int, k: int, eligible: npt.NDArray[np.bool_]) -> Candidates:
        assert self._behaviour is not None
        factors = self._behaviour.item_factors
        norms = np.where(self._played, self._norms, 1) * self._norms[track]
        scores = (factors @ factors[track]) / norms
        return best_of("cf", scores, k, eligible=eligible & self._played)

    def _blend(
        self, lists: list[Candidates], eligible: npt.NDArray[np.bool_], n: int
    ) -> tuple[Item, ...]:
        pool = merge(lists)
        ranked = lists[0]
        if len(lists) > 1:
            ranked = self._fusion.rank(Query(History(), eligible), pool, n)
        best = ranked.head(n)
        return tuple(
            Item(track, score, tuple(pool.sources_of(track)))
            for track, score in zip(best.tracks.tolist(), best.scores.tolist(), strict=True)
        )


def _nothing_known(by: str) -> str:
    missing = {"audio": "no embedding", "listeners": "no plays"}.get(
        by, "no embedding and no plays"
    )
    return f"This track has {missing} in the current bundle, so nothing is known to be like it."
