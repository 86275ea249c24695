"""Which tracks of a bundle are explored for a user, and what is believed of their scores."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from hashlib import blake2b

import numpy as np
import numpy.typing as npt

from data.history import History
from engine.request import Item
from engine.signals import Signals
from ranker.candidates import CandidatePool, Candidates, IntArray, Query
from ranker.explore import (
    SlotPolicy,
    UncertainPool,
    certain_slots,
    explore_slots,
    plan_slots,
)
from ranker.rules import ArtistCap, Quota, Ruling, Spacing

EXPLORE = "explore"
"""The source, and the rule, of a track in a slot of exploration."""

POOL = 200
"""Tracks that compete for the slots of exploration, those whose score may be highest."""


class Explorer:
    """The uncertain new tracks of a bundle.

    A track is uncertain while at most `most_listeners` users have played it and its sound is known.
    What is believed of its score for a user is the product of the factors, give or take the error
    that sound alone makes; each listener says as much as the sound does::

        score ~ N(user . track, uncertainty / (1 + listeners))

    Parameters
    ----------
    signals : Signals
    most_listeners : int
    """

    def __init__(self, signals: Signals, most_listeners: int) -> None:
        contents = signals.contents
        behaviour, acoustic = contents.behaviour, contents.acoustic
        self._cf = signals.cf
        self._artists = contents.catalog.artists
        self._tracks: IntArray = np.empty(0, np.int32)
        self._deviations = np.empty(0)
        if behaviour is None or behaviour.uncertainty is None or acoustic is None:
            return
        new = (contents.listeners <= most_listeners) & acoustic.known
        self._tracks = np.flatnonzero(new).astype(np.int32)
        error = np.asarray(behaviour.uncertainty[self._tracks], np.float64)
        self._deviations = np.sqrt(error / (1.0 + contents.listeners[self._tracks]))

    def pool(
        self,
        query: Query,
        certain: IntArray,
        *,
        played: IntArray | None = None,
        artist_cap: int | None = None,
    ) -> UncertainPool:
        """Return the eligible uncertain tracks that compete for one answer.

        Parameters
        ----------
        query : Query
        certain : ndarray of int32
            What the answer holds anyway.
        played : ndarray of int32, optional
            What the user knows, and need not try, even where the answer may hold it.
        artist_cap : int, optional
            Tracks are left out that could bring an artist over it, whichever are drawn.
        """
        new = query.eligible[self._tracks]
        if played is not None:
            new &= ~np.isin(self._tracks, played)
        rows = np.flatnonzero(new)
        tracks = self._tracks[rows]
        scores = None if self._cf is None else self._cf.scores(query)
        means = np.zeros(tracks.size) if scores is None else scores[tracks].astype(np.float64)
        found = UncertainPool(tracks, means, self._deviations[rows]).head(POOL)
        if artist_cap is None:
            return found
        return found.take(_within_cap(self._artists, found.tracks, certain, cap=artist_cap))

    def plan(
        self,
        query: Query,
        ranked: Candidates,
        *,
        n: int,
        share: float,
        ruling: Ruling,
        kept: frozenset[int],
        played: IntArray,
    ) -> SlotPolicy:
        """Divide the slots of an answer between a ranking and exploration.

        Nothing is explored where a quota or a spacing is in force, nor in the slot of a pin.

        Parameters
        ----------
        query : Query
        ranked : Candidates
            The answer without exploration.
        n : int
            How many slots.
        share : float
            Of them that are explored, 0 to 1.
        ruling : Ruling
            The rules in force. Caps hold for the whole answer, if they hold for the ranking.
        kept : frozenset of int
            The tracks that a pin gives their places.
        played : ndarray of int32
            What the user played: it is not tried.
        """
        rules = [ruled.rule for ruled in ruling.rules]
        slots = explore_slots(min(n, len(ranked)), share)
        slots = slots[~np.isin(ranked.tracks[slots], list(kept))]
        if not slots.size or any(isinstance(rule, Quota | Spacing) for rule in rules):
            return certain_slots(ranked)
        caps = (rule.most for rule in rules if isinstance(rule, ArtistCap))
        artist_cap = min(caps, default=None)
        certain = np.delete(ranked.tracks, slots)
        pool = self.pool(query, certain, played=played, artist_cap=artist_cap)
        if artist_cap is not None and (~np.isin(pool.tracks, certain)).sum() < slots.size:
            # The ranking gets some of these slots back, so its whole answer counts for the cap.
            pool = self.pool(query, ranked.tracks, played=played, artist_cap=artist_cap)
        return plan_slots(ranked, pool, n=n, share=share, kept=kept)


def _within_cap(
    artists: IntArray, tracks: IntArray, certain: IntArray, *, cap: int
) -> npt.NDArray[np.bool_]:
    """Return which tracks keep every artist within the cap, all of them and `certain` together."""
    counts = np.zeros(int(artists.max(initial=-1)) + 1, np.int64)
    there = artists[certain]
    np.add.at(counts, there[there >= 0], 1)
    kept = np.isin(tracks, certain)
    for at in np.flatnonzero(~kept).tolist():
        artist = artists[tracks[at]]
        kept[at] = artist < 0 or counts[artist] < cap
        if artist >= 0 and kept[at]:
            counts[artist] += 1
    return kept


def generator_of(bundle_id: str, subject: str, history: History) -> np.random.Generator:
    """Return the source of chance of one user's answers from one bundle.

    The same for the same bundle, user and history, in every process; for another user, or after
    another play, another one.

    Parameters
    ----------
    bundle_id, subject : str
        `subject` is the user's id, or "" for nobody known.
    history : History
    """
    digest = blake2b(f"{bundle_id}\0{subject}\0".encode("utf-8", "replace"), digest_size=16)
    for array in (history.tracks, history.counts, history.hidden):
        digest.update(np.ascontiguousarray(array).tobytes())
        digest.update(b"\0")
    return np.random.default_rng(int.from_bytes(digest.digest(), "big"))


def explored(
    policy: SlotPolicy, best: Candidates, blended: Candidates, *, rng: np.random.Generator
) -> Candidates:
    """Return an answer with its slots of exploration filled.

    Parameters
    ----------
    policy : SlotPolicy
    best : Candidates
        The answer without exploration.
    blended : Candidates
        Everything that was ranked, best first: where scores come from. A track that is not among
        it has 0, or the lowest of them.
    rng : numpy.random.Generator
    """
    tracks = policy.fill(policy.draw(rng))
    scores = np.full(tracks.size, min(0.0, float(blended.scores.min(initial=0.0))), np.float32)
    order = np.argsort(blended.tracks, kind="stable")
    ids = blended.tracks[order]
    at = np.searchsorted(ids, tracks)
    known = at < ids.size
    known[known] = ids[at[known]] == tracks[known]
    scores[known] = blended.scores[order[at[known]]]
    kept = np.flatnonzero(tracks[: len(best)] == best.tracks[: tracks.size])
    scores[kept] = best.scores[kept]  # what a rule made of them
    return Candidates(best.source, tracks, scores)


def chances_of(policy: SlotPolicy, shown: Candidates) -> dict[int, float]:
    """Return the tracks in slots of exploration, each with the probability that it is there."""
    if not policy.slots.size:
        return {}
    chances = policy.probabilities(shown.tracks)
    return {int(shown.tracks[at]): float(chances[at]) for at in policy.slots.tolist()}


def marked(
    items: tuple[Item, ...], chances: Mapping[int, float], pool: CandidatePool
) -> tuple[Item, ...]:
    """Mark the items that are explored, by `chances_of`, wherever they are by now.

    `pool` says which retrievers proposed them, too.
    """
    return tuple(
        replace(
            item,
            sources=(*pool.sources_of(item.track), EXPLORE),
            reason=None if item.reason is None else replace(item.reason, rule=EXPLORE),
            explored=True,
            propensity=chances[item.track],
        )
        if item.track in chances
        else item
        for item in items
    )
