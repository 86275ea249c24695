"""The recommender: retrieve, merge, rank, apply the rules, and name the fallback.

It reads one bundle and keeps no state of its own, so the same bundle, history and request give
the same answer, in any process.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cf_model.prior import start_from_genres
from data.catalog import Catalog, fold
from data.errors import ParameterError
from data.history import History
from engine.blending import blend_of, propose
from engine.bundle import Bundle
from engine.exploring import EXPLORE, Explorer, chances_of, explored, generator_of, marked
from engine.request import Answer, Item, Request
from engine.rulebook import Rulebook
from engine.signals import PERSONAL, Signals
from engine.taste import TasteConfig
from ranker.candidates import (
    Blend,
    BoolArray,
    CandidatePool,
    Candidates,
    IntArray,
    Query,
    merge,
)
from ranker.config import RankerConfig
from ranker.diversity import mmr
from ranker.explain import Reason, explain
from ranker.explore import SlotPolicy, certain_slots
from ranker.fusion import ReciprocalRankFusion
from ranker.rules import (
    AnyRule,
    Origin,
    Outcome,
    Plan,
    Ruling,
    Trace,
    afterwards,
    moved_by,
    outcomes_of,
)

FALLBACKS = {
    "hybrid": ("popular",),
    "cf": ("audio", "popular"),
    "audio": ("cf", "popular"),
    "popular": (),
}
"""For each strategy, the signals that stand in for it, in this order."""

_SPREAD = 3  # times as many tracks as are asked for are varied by sound

PINNED = "pin"
"""The source of a track that no retriever proposed, but a rule pinned."""


@dataclass(frozen=True)
class _Ranked:
    """What ranking and rules make of one request, before anything is explored."""

    query: Query
    pool: CandidatePool
    ruling: Ruling
    plan: Plan
    blended: Candidates
    best: Candidates
    pinned: frozenset[int]
    fallback: str | None


class Recommender:
    """Answers requests from one bundle.

    Parameters
    ----------
    bundle : Bundle
        Opened.
    config : RankerConfig
        Quotas, weights and defaults of the blend.
    taste : TasteConfig, optional
        Of the users' centres of taste in sound.
    signals : Signals, optional
        Of this bundle, where another recommender has made them already; `taste` is theirs then.
    rules : sequence of rules, or Rulebook
        Of the settings; a request may bring more. A rulebook of this bundle, where there is one
        already: recommenders that share it see the same lists at the same time.
    blend : Blend, optional
        Where another recommender has made it already.

    Attributes
    ----------
    bundle : Bundle
    signals : Signals
        Retrievers and what they share.
    rulebook : Rulebook
        The rules, and which of them are in force when.
    """

    def __init__(
        self,
        bundle: Bundle,
        config: RankerConfig,
        *,
        taste: TasteConfig | None = None,
        signals: Signals | None = None,
        rules: Sequence[AnyRule] | Rulebook = (),
        blend: Blend | None = None,
    ) -> None:
        self.bundle = bundle
        self.config = config
        self.signals = signals or Signals.of(bundle.contents, bundle.cf, taste=taste)
        self.retrievers = self.signals.retrievers
        self.ranker = blend or blend_of(self.signals, config)
        self.rulebook = rules if isinstance(rules, Rulebook) else Rulebook(rules, bundle.contents)
        self._explorer = Explorer(self.signals, config.explore_listeners)

    @property
    def catalog(self) -> Catalog:
        """The tracks of the bundle."""
        return self.bundle.contents.catalog

    def recommend(self, request: Request) -> Answer:
        """Answer one request.

        Returns
        -------
        Answer
            `n` items, or all eligible recordings where there are fewer; never a hidden, excluded
            or (with `exclude_seen`) played one, nor another track of the same recording, nor one
            that a filter removes.

        Raises
        ------
        ParameterError
            If a genre is not in the catalogue.
        """
        trace = Trace() if request.explain or request.dry_run else None
        found = self._ranked(request, trace)
        pool, ruling, policy = found.pool, found.ruling, self._policy(found, request)
        ranked = found.best
        if policy.slots.size:
            rng = generator_of(self.bundle.id, request.subject, request.history)
            ranked = explored(policy, found.best, found.blended, rng=rng)
        reasons = outcomes = None
        if trace is not None and request.explain:
            reasons = self._reasons(ranked, trace, pool, query=found.query, request=request)
        if trace is not None and request.dry_run:
            told = outcomes_of(ruling, trace, ranked.tracks, plan=found.plan)
            if policy.slots.size:
                told += (_of_exploration(found.best.tracks, ranked.tracks, request),)
            outcomes = (*told, *self.rulebook.idle(request.scope))
        items = self._items(ranked, pool, reasons, pinned=found.pinned)
        return Answer(marked(items, chances_of(policy, ranked), pool), found.fallback, outcomes)

    def slots(self, request: Request) -> SlotPolicy:
        """Return which tracks an answer may hold in which slots, and how probably.

        Raises
        ------
        ParameterError
            If a genre is not in the catalogue.
        """
        return self._policy(self._ranked(request, None), request)

    def explores(self, strategy: str, explore: float | None) -> float:
        """Return the share of the slots that a request of these options explores, 0 to 1."""
        if strategy != "hybrid":
            return 0.0
        return self.config.explore if explore is None else explore

    def _ranked(self, request: Request, trace: Trace | None) -> _Ranked:
        ruling = self.ruling(request)
        query = Query(self._known_of(request), self._eligible(request, ruling, trace))
        pool, fallback = self._retrieve(query, request)
        plan = self._plan(query, request)
        blended = self._blend(query, pool)
        best = ruling.arrange(blended, plan, trace=trace)
        pinned = ruling.pinned(query.eligible, len(best))
        return _Ranked(query, pool, ruling, plan, blended, best, pinned, fallback)

    def _policy(self, found: _Ranked, request: Request) -> SlotPolicy:
        share = self.explores(request.strategy, request.explore)
        if not share:
            return certain_slots(found.best)
        return self._explorer.plan(
            found.query,
            found.best,
            n=request.n,
            share=share,
            ruling=found.ruling,
            kept=found.pinned,
            played=request.history.tracks,
        )

    def ruling(self, request: Request) -> Ruling:
        """Return the rules that are in force for a request."""
        cap = self.config.artist_cap if request.artist_cap is None else request.artist_cap
        return self.rulebook.ruling(request.scope, artist_cap=cap)

    def _known_of(self, request: Request) -> History:
        """Return the history; of who has none but chose genres, what these stand for."""
        if not request.history.empty or not request.genres:
            return request.history
        hidden = request.history.hidden
        members = (np.flatnonzero(self._of_genres((genre,))) for genre in request.genres)
        chosen = [np.setdiff1d(tracks, hidden).astype(np.int32) for tracks in members]
        tracks, counts = start_from_genres(chosen, self.bundle.contents.listeners)
        return History(tracks, counts, np.full(tracks.size, -1, np.int64), hidden)

    def eligible(self, request: Request) -> BoolArray:
        """Return which tracks a request may be answered with, shape (n_tracks,).

        Of tracks that are the same recording, at most one: a pinned one, or the most popular.
        """
        return self._eligible(request, self.ruling(request), None)

    def _eligible(self, request: Request, ruling: Ruling, trace: Trace | None) -> BoolArray:
        size = len(self.catalog)
        mask = np.ones(size, bool)
        if request.among is not None:
            mask = np.zeros(size, bool)
            mask[request.among] = True
        if request.genres:
            mask &= self._of_genres(request.genres)
        excluded = [request.history.hidden, request.exclude]
        if request.exclude_seen:
            excluded.append(request.history.tracks)
        self.signals.one_of_each.exclude(mask, np.concatenate(excluded))
        ruling.restrict(mask, self.signals.one_of_each, trace=trace)
        return mask

    def _of_genres(self, genres: tuple[str, ...]) -> BoolArray:
        mask = np.zeros(len(self.catalog), bool)
        for genre in genres:
            members = self.catalog.genres.get(fold(genre))
            if members is None:
                known = self.catalog.some_genres or "none"
                raise ParameterError(
                    f"`genre` must be a genre of the catalogue ({known}). Received: {genre!r}."
                )
            mask[members] = True
        return mask

    def _retrieve(self, query: Query, request: Request) -> tuple[CandidatePool, str | None]:
        """Ask the strategy's retrievers, or the first fallback that has something to say."""
        least = request.n
        if request.strategy == "hybrid":
            pool = propose(query, self.signals, self.config, blend=self.ranker, least=least)
            if any(source in PERSONAL for source in pool.sources):
                return pool, None
        for name in (request.strategy, *FALLBACKS[request.strategy]):
            if name in self.retrievers:
                quota = max(self.config.quota_of(name), least)
                found = self.retrievers[name].retrieve(query, quota)
                if len(found):
                    return merge([found]), None if name == request.strategy else name
        return merge([]), None if request.strategy == "popular" else "popular"

    def _blend(self, query: Query, pool: CandidatePool) -> Candidates:
        if len(pool.sources) == 1:  # a signal of its own keeps its own order and scores
            order = np.argsort(pool.ranks[:, 0], kind="stable")
            return Candidates(pool.sources[0], pool.tracks[order], pool.scores[order, 0])
        return self.ranker.rank(query, pool, int(pool.tracks.size))

    def _teller(self, pool: CandidatePool) -> Blend:
        """Return what says how much each signal weighed: of a single one, all of it."""
        return ReciprocalRankFusion(self.config) if len(pool.sources) == 1 else self.ranker

    def _plan(self, query: Query, request: Request) -> Plan:
        """Say what the blend is filled up with, and how it is varied by sound, as asked."""
        acoustic = self.bundle.contents.acoustic
        diversity = self.config.diversity if request.diversity is None else request.diversity
        # More than are asked for, since a rule may take some out; the rest keep their order.
        head = _SPREAD * request.n

        def fill(candidates: Candidates, wanted: int) -> Candidates:
            if len(candidates) >= wanted:
                return candidates
            more = self.signals.popular.everything(query, wanted)
            return _behind(candidates, _without_scores(more, candidates))

        def vary(candidates: Candidates) -> Candidates:
            assert acoustic is not None
            varied = mmr(candidates, acoustic.embeddings, n=head, diversity=diversity)
            return _behind(varied, candidates)

        varies = diversity > 0 and acoustic is not None
        return Plan(request.n, query.eligible, fill, vary if varies else None)

    def _reasons(
        self,
        ranked: Candidates,
        trace: Trace,
        pool: CandidatePool,
        *,
        query: Query,
        request: Request,
    ) -> tuple[Reason, ...]:
        played, counts = request.history.tracks, request.history.counts
        behaviour = sound = None
        if self.signals.foldin is not None:
            behaviour = self.signals.foldin.contributions(played, counts, targets=ranked.tracks)
        if self.signals.sound is not None:
            sound = self.signals.sound.between(ranked.tracks, played)
        return explain(
            ranked.tracks,
            played,
            shares=self._teller(pool).shares(query, pool, ranked.tracks),
            behaviour=behaviour,
            sound=sound,
            rules=moved_by(trace.steps, ranked.tracks, request.n),
        )

    def _items(
        self,
        ranked: Candidates,
        pool: CandidatePool,
        reasons: tuple[Reason, ...] | None,
        *,
        pinned: frozenset[int],
    ) -> tuple[Item, ...]:
        why = reasons or (None,) * len(ranked)
        rows = zip(ranked.tracks.tolist(), ranked.scores.tolist(), why, strict=True)

        def sources(track: int) -> tuple[str, ...]:
            other = PINNED if track in pinned else self.signals.popular.name
            return tuple(pool.sources_of(track)) or (other,)

        return tuple(Item(track, score, sources(track), reason) for track, score, reason in rows)


def _of_exploration(before: IntArray, after: IntArray, request: Request) -> Outcome:
    asked: Origin = "settings" if request.explore is None else "request"
    return afterwards(EXPLORE, before, after, origin=asked)


def _behind(first: Candidates, more: Candidates) -> Candidates:
    """Put the tracks of `more` that are not in `first` behind it."""
    new = ~np.isin(more.tracks, first.tracks)
    tracks = np.concatenate([first.tracks, more.tracks[new]])
    return Candidates(first.source, tracks, np.concatenate([first.scores, more.scores[new]]))


def _without_scores(candidates: Candidates, below: Candidates) -> Candidates:
    """Give tracks that the blend did not score one score: 0, or the last one of `below`."""
    floor = min(0.0, float(below.scores[-1])) if len(below) else 0.0
    scores = np.full(len(candidates), floor, np.float32)
    return Candidates(candidates.source, candidates.tracks, scores)
