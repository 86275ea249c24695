"""The rules in force for one answer: what they take out, and how they order the rest.

The order is fixed, whatever the order in which rules are written::

    filters                      before anything is retrieved
    boosts and buries by factor  on the scores of what was proposed
    (diversity)
    boosts and buries by places
    places given out one by one  pins have theirs; each other one goes to the first track that no
                                 quota, cap or spacing forbids. Where none fits, spacing gives way
                                 before caps, and caps before quotas
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from data.catalog import Catalog
from ranker.candidates import BoolArray, Candidates, IntArray
from ranker.recordings import OneOfEach
from ranker.rules.boosting import scale_scores, shift_places
from ranker.rules.kinds import Boost, Bury, Filter, Pin
from ranker.rules.pins import plan_pins
from ranker.rules.ruled import FACTORS, PLACES, SEATS, Ruled
from ranker.rules.seats import take_seats
from ranker.rules.table import TrackTable
from ranker.rules.trace import Step, Trace

_STANDING_BY = 1_000  # tracks that are looked at next where no proposed one fits


@dataclass(frozen=True, eq=False)
class Plan:
    """What an answer is ordered from.

    Attributes
    ----------
    n : int
        How many tracks are asked for.
    eligible : ndarray of bool, shape (n_tracks,)
    fill : callable
        Puts eligible tracks behind candidates until there are so many, or none is left.
    diversify : callable or None
        Varies candidates, keeping all of them.
    """

    n: int
    eligible: BoolArray
    fill: Callable[[Candidates, int], Candidates]
    diversify: Callable[[Candidates], Candidates] | None = None


class Ruling:
    """The rules in force for one answer.

    Parameters
    ----------
    rules : sequence of Ruled
        As written.
    table : TrackTable
        Of the catalogue.

    Attributes
    ----------
    rules : list of Ruled
        In the order in which they are applied.
    """

    def __init__(self, rules: Sequence[Ruled], table: TrackTable) -> None:
        self.rules = sorted(rules, key=lambda ruled: ruled.stage)  # stable: else as written
        self._table = table
        self._seats = [ruled for ruled in self.rules if ruled.stage >= SEATS]

    @property
    def catalog(self) -> Catalog:
        """The tracks that the rules are about."""
        return self._table.catalog

    def pinned(self, eligible: BoolArray, length: int) -> frozenset[int]:
        """Return the tracks that a pin gives a place of their own.

        Parameters
        ----------
        eligible : ndarray of bool, shape (n_tracks,)
        length : int
            Of the answer: behind its end there are no places.
        """
        if not any(isinstance(ruled.rule, Pin) for ruled in self._seats):
            return frozenset()
        plan = plan_pins(self._seats, eligible, length, index=self.catalog.tracks.get)
        return frozenset(plan.tracks.values())

    @property
    def moves(self) -> bool:
        """Whether any rule moves tracks, beyond taking some out."""
        return any(not isinstance(ruled.rule, Filter) for ruled in self.rules)

    def restrict(
        self, eligible: BoolArray, recordings: OneOfEach, *, trace: Trace | None = None
    ) -> None:
        """Take out of a mask what filters remove, and then all but one track of each recording.

        Parameters
        ----------
        eligible : ndarray of bool, shape (n_tracks,)
            Changed in place. Hard exclusions are out of it already.
        recordings : OneOfEach
            The rule of duplicates. A pinned track stands for its recording.
        trace : Trace, optional
            Told what each filter removes.
        """
        for ruled in self.rules:
            if isinstance(ruled.rule, Filter):
                assert ruled.matching is not None
                gone = ruled.matching if ruled.rule.action == "remove" else ~ruled.matching
                if trace is not None:
                    removed = np.flatnonzero(eligible & gone).astype(np.int32)
                    trace.removed.append((ruled, removed))
                eligible &= ~gone
            elif isinstance(ruled.rule, Pin):
                _represent(self._table.indices(ruled.rule.track), eligible, recordings)
        recordings.keep_one(eligible)

    def arrange(
        self, proposed: Candidates, plan: Plan, *, trace: Trace | None = None
    ) -> Candidates:
        """Order what was proposed, and cut it to `n`.

        Returns
        -------
        Candidates
            `n` eligible tracks, or all where there are fewer.
        """
        order = self._moved(proposed, FACTORS, trace)
        order = plan.fill(order, plan.n)
        if plan.diversify is not None:
            varied = plan.diversify(order)
            _note(trace, None, before=order, after=varied)
            order = varied
        order = self._moved(order, PLACES, trace)
        return self._seated(order, plan, trace) if self._seats else order.head(plan.n)

    def seat(self, order: Candidates, n: int) -> Candidates:
        """Give out the places of an answer by pins, quotas, caps and spacing alone.

        Parameters
        ----------
        order : Candidates
            Everything that may be answered, best first.
        n : int
        """
        if not self._seats:
            return order.head(n)
        eligible = np.zeros(len(self.catalog), bool)
        eligible[order.tracks] = True
        return take_seats(order, self._seats, self.catalog, eligible=eligible, n=n)[0]

    @property
    def seats(self) -> bool:
        """Whether any rule gives out places: a pin, a quota, a cap or a spacing."""
        return bool(self._seats)

    def _moved(self, order: Candidates, stage: int, trace: Trace | None) -> Candidates:
        for ruled in self.rules:
            if ruled.stage == stage:
                moved = _boosted(ruled, order)
                _note(trace, ruled, before=order, after=moved)
                order = moved
        return order

    def _seated(self, order: Candidates, plan: Plan, trace: Trace | None) -> Candidates:
        def seated(rules: Sequence[Ruled], among: Candidates) -> tuple[Candidates, bool]:
            return take_seats(among, rules, self._table.catalog, eligible=plan.eligible, n=plan.n)

        among = order
        found, broken = seated(self._seats, among)
        for wanted in (max(8 * len(order), _STANDING_BY), plan.eligible.size):
            if broken and len(among) < plan.eligible.size:  # of those that stand by, some may fit
                among = plan.fill(order, wanted)
                found, broken = seated(self._seats, among)
        if trace is not None:
            before = among.tracks
            for count, ruled in enumerate(self._seats, start=1):
                after = seated(self._seats[:count], among)[0].tracks
                after = np.concatenate([after, before[~np.isin(before, after)]])
                trace.steps.append(Step(ruled, before, after, among.tracks[len(order) :]))
                before = after
        return found


def _represent(tracks: IntArray, eligible: BoolArray, recordings: OneOfEach) -> None:
    """Let pinned tracks stand for their recordings: of two of one recording, the first."""
    for track in tracks.tolist():
        if eligible[track]:
            recordings.exclude(eligible, np.array([track], np.int32))
            eligible[track] = True


def _boosted(ruled: Ruled, order: Candidates) -> Candidates:
    rule, matching = ruled.rule, ruled.of(order.tracks)
    assert isinstance(rule, Boost | Bury)
    up = isinstance(rule, Boost)
    if rule.factor is not None:
        return scale_scores(order, matching, rule.factor, up=up)
    assert rule.places is not None
    return shift_places(order, matching, rule.places, up=up)


def _note(
    trace: Trace | None, ruled: Ruled | None, *, before: Candidates, after: Candidates
) -> None:
    if trace is not None:
        trace.steps.append(Step(ruled, before.tracks, after.tracks))
