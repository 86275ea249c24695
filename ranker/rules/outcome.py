"""What each rule did to one answer, and what it could not do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from data.catalog import Catalog
from ranker.candidates import BoolArray, IntArray
from ranker.rules.kinds import ArtistCap, Pin, Quota, Spacing
from ranker.rules.pins import plan_pins
from ranker.rules.quotas import quota_bounds
from ranker.rules.ruled import Origin, Ruled
from ranker.rules.ruling import Plan, Ruling
from ranker.rules.trace import Move, Step, Trace, moves_of

TOLD = 20
"""How many removed tracks, and how many faults, are named of one rule."""


@dataclass(frozen=True)
class Outcome:
    """What one rule did to one answer.

    Attributes
    ----------
    name, kind : str
    origin : "settings" or "request"
    in_force : bool
        Whether it counted for this placement and time; if not, it did nothing.
    matched : int or None
        Tracks of the catalogue that it is about; None of a rule that is not in force.
    removed : int
        Tracks that a filter took out of what those before it had left.
    removed_tracks : tuple of int
        The first `TOLD` of them.
    moves : tuple of Move
        Tracks that it moved, brought into the answer or put out of it, by their new place.
    unfulfilled : tuple of str
        What it asks for and the answer does not hold, `TOLD` at most.
    """

    name: str
    kind: str
    origin: Origin
    in_force: bool = True
    matched: int | None = None
    removed: int = 0
    removed_tracks: tuple[int, ...] = ()
    moves: tuple[Move, ...] = ()
    unfulfilled: tuple[str, ...] = ()


def outcomes_of(
    ruling: Ruling, trace: Trace, tracks: IntArray, *, plan: Plan
) -> tuple[Outcome, ...]:
    """Say what each rule did, in the order in which they were applied.

    Parameters
    ----------
    ruling : Ruling
    trace : Trace
        Of the answer.
    tracks : ndarray of int32, shape (at most n,)
        The answer, whatever came behind the rules: it is what they ask for, or not.
    plan : Plan
        What it was ordered from.
    """
    rules, catalog = ruling.rules, ruling.catalog
    removed = {ruled.key: gone for ruled, gone in trace.removed}
    moves = {
        step.ruled.key: moves_of(step, plan.n) for step in trace.steps if step.ruled is not None
    }
    pins = plan_pins(rules, plan.eligible, tracks.size, index=catalog.tracks.get)
    outcomes = []
    for ruled in rules:
        gone = removed.get(ruled.key, np.empty(0, np.int32))
        faults = pins.faults.get(ruled.key) or _faults(ruled, tracks, catalog)
        outcomes.append(
            Outcome(
                ruled.rule.name,
                ruled.rule.kind,
                ruled.origin,
                matched=_matched(ruled, catalog),
                removed=gone.size,
                removed_tracks=tuple(gone[:TOLD].tolist()),
                moves=tuple(moves.get(ruled.key, ())),
                unfulfilled=tuple(faults[:TOLD]),
            )
        )
    return tuple(outcomes)


def afterwards(
    name: str, before: IntArray, after: IntArray, *, origin: Origin = "settings"
) -> Outcome:
    """Say what something that is no rule did to an answer behind them.

    Parameters
    ----------
    name : str
        Its name and its kind.
    before, after : ndarray of int32
        The answer without it, and with it.
    origin : "settings" or "request"
    """
    step = Step(None, before, after)
    return Outcome(name, name, origin, moves=tuple(moves_of(step, after.size)))


def judged_anew(
    outcomes: Sequence[Outcome], ruling: Ruling, tracks: IntArray
) -> tuple[Outcome, ...]:
    """Say of another answer what it does not hold of what quotas, caps and spacing ask for."""
    rules = {ruled.key: ruled for ruled in ruling.rules if not isinstance(ruled.rule, Pin)}
    return tuple(
        replace(outcome, unfulfilled=tuple(_faults(ruled, tracks, ruling.catalog)[:TOLD]))
        if (ruled := rules.get((outcome.origin, outcome.name)))
        else outcome
        for outcome in outcomes
    )


def _matched(ruled: Ruled, catalog: Catalog) -> int:
    return len(catalog) if ruled.matching is None else int(np.count_nonzero(ruled.matching))


def _faults(ruled: Ruled, tracks: IntArray, catalog: Catalog) -> list[str]:
    rule, matching = ruled.rule, ruled.of(tracks)
    if isinstance(rule, Quota):
        return _of_quota(rule, matching)
    codes = np.where(matching, catalog.artists[tracks], np.int32(-1))
    if isinstance(rule, ArtistCap):
        return _of_cap(rule, codes, tracks, artists=catalog.column("artist"))
    return _of_spacing(rule, codes) if isinstance(rule, Spacing) else []


def _of_quota(rule: Quota, matching: BoolArray) -> list[str]:
    least, most, first = quota_bounds(rule, matching.size)
    found = int(np.count_nonzero(matching[:first]))
    least = max(least, rule.at_least or 0)  # an answer may be too short for it
    if found < least:
        return [f"{found} of at least {least} match in the first {first}"]
    return [f"{found} match in the first {first}, not at most {most}"] if found > most else []


def _of_cap(rule: ArtistCap, codes: IntArray, tracks: IntArray, *, artists: Any) -> list[str]:
    first = codes[: rule.first]
    found, at, counts = np.unique(first, return_index=True, return_counts=True)
    return [
        f"{count} tracks of {artists[int(tracks[place])].as_py()!r}, not at most {rule.most}"
        for code, place, count in zip(found, at, counts, strict=True)
        if code >= 0 and count > rule.most
    ]


def _of_spacing(rule: Spacing, codes: IntArray) -> list[str]:
    faults = []
    for apart in range(1, rule.places + 1):
        near = np.flatnonzero((codes[apart:] == codes[:-apart]) & (codes[apart:] >= 0))
        faults += [
            f"{at + 1} and {at + 1 + apart} are of one artist, {apart - 1} between them"
            for at in near.tolist()
        ]
    return faults
