"""From signals to features: what a bundle's signals say of the candidates of a query."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from data.threads import one_blas_thread
from engine.bundle.contents import BundleContents
from engine.signals import Signals
from engine.taste import SoundIndex
from ranker.candidates import CandidatePool, FloatArray, IntArray, Query
from ranker.facts import TrackFacts, genre_matrix
from ranker.features import Evidence, feature_table

_PLAYS = 128  # of a user, that candidates are compared with one by one: the most played

_NEAREST = 3  # plays whose mean cosine is a feature


class FeatureMaker:
    """Computes the features of candidates from the signals of one bundle.

    Parameters
    ----------
    signals : Signals
    """

    def __init__(self, signals: Signals) -> None:
        self._signals = signals
        self._facts = track_facts(signals.contents)

    def table(self, query: Query, pool: CandidatePool) -> npt.NDArray[np.float32]:
        """Return the features of a pool of m candidates, float32, shape (m, p).

        See `ranker.features.FEATURES`.
        """
        evidence = self._evidence(query, pool.tracks)
        return feature_table(pool, query.history, facts=self._facts, evidence=evidence)

    def _evidence(self, query: Query, tracks: IntArray) -> Evidence:
        signals = self._signals
        scorers = {
            "cf": signals.cf,
            "neighbours": signals.neighbours,
            "audio": signals.audio,
            "seeds": signals.seeds,
        }
        found = {
            name: _known(scorer.scores(query), tracks)
            for name, scorer in scorers.items()
            if scorer is not None
        }
        return Evidence(**found, **self._nearness(query, tracks))

    def _nearness(self, query: Query, tracks: IntArray) -> dict[str, FloatArray]:
        """Return how near candidates sound to the user's plays and centres of taste."""
        audio = self._signals.audio
        centres = None if audio is None else audio.centres(query)
        if audio is None or centres is None:
            return {}
        sound = audio.index
        with one_blas_thread():
            ours = sound.space.unit(sound.embeddings[tracks])  # (m, d)
            to_plays = ours @ _played(query, sound).T  # (m, d) @ (d, h) -> (m, h)
            to_centres = (ours @ centres.means.T).max(axis=1)
        several = min(_NEAREST, to_plays.shape[1])
        best = -np.partition(-to_plays, several - 1, axis=1)[:, :several]
        known = ours.any(axis=1)
        values = {
            "nearest_centre": to_centres,
            "nearest_play": best.max(axis=1),
            "nearest_plays": best.mean(axis=1),
        }
        return {name: np.where(known, v, np.float32(np.nan)) for name, v in values.items()}


def _played(query: Query, sound: SoundIndex) -> FloatArray:
    """Return the most played tracks with an embedding in the space of sound, shape (h, d)."""
    history = query.history
    vectors = sound.space.unit(sound.embeddings[history.tracks])
    heard = np.flatnonzero(vectors.any(axis=1))
    most = heard[np.argsort(-history.counts[heard], kind="stable")[:_PLAYS]]
    return vectors[most]


def _known(scores: FloatArray | None, tracks: IntArray) -> FloatArray | None:
    """Return the scores of some tracks, NaN for minus infinity."""
    if scores is None:
        return None
    found = scores[tracks]
    return np.where(np.isfinite(found), found, np.float32(np.nan))


def track_facts(contents: BundleContents) -> TrackFacts:
    """Gather what the parts of a bundle say of each track."""
    behaviour, catalog = contents.behaviour, contents.catalog
    copies = np.ones(len(catalog), np.float32)
    if contents.duplicates is not None:
        stands = contents.duplicates.representatives
        copies = np.bincount(stands, minlength=len(stands))[stands].astype(np.float32)
    strength = None if behaviour is None else np.linalg.norm(behaviour.item_factors, axis=1)
    released = catalog.released
    return TrackFacts(
        artists=catalog.artists,
        genres=genre_matrix(catalog.genres, len(catalog)),
        listeners=np.asarray(contents.listeners),
        plays=np.asarray(contents.plays),
        released=released,
        today=float(np.nanmax(released)) if np.isfinite(released).any() else 0.0,
        copies=copies,
        recent=contents.recent,
        uncertainty=None if behaviour is None else behaviour.uncertainty,
        strength=strength,
    )
