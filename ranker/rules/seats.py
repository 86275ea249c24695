"""Pins, quotas, caps and spacing on an order."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from data.catalog import Catalog
from ranker.candidates import BoolArray, Candidates, IntArray
from ranker.rules.cap import cap_artists, occurrence
from ranker.rules.kinds import AnyRule, ArtistCap, Pin, Quota, Spacing
from ranker.rules.limits import CapLimit, Limit, Pins, SpacingLimit
from ranker.rules.pins import plan_pins
from ranker.rules.quotas import AtLeastLimit, AtMostLimit, quota_bounds
from ranker.rules.ruled import Ruled
from ranker.rules.seating import seat

_LONG = 4_000  # candidates from which on a look for idle ones is worth its time
_MOST_SELECTORS = 30  # whose bits, beside the artist's code, have room in 64


def take_seats(
    order: Candidates,
    rules: Sequence[Ruled],
    catalog: Catalog,
    *,
    eligible: BoolArray,
    n: int,
) -> tuple[Candidates, bool]:
    """Give out the places of an answer by pins, quotas, caps and spacing.

    Parameters
    ----------
    order : Candidates
        Best first: at least `n`, or all that are eligible.
    rules : sequence of Ruled
        Sorted by stage; the earlier ones win.
    catalog : Catalog
    eligible : ndarray of bool, shape (n_tracks,)
    n : int

    Returns
    -------
    Candidates
        min(n, number of eligible) tracks, with the scores they came with. A pinned one that was
        not among `order` has the last score.
    bool
        Whether some place had to go to a track that a rule forbade.
    """
    length = min(n, int(np.count_nonzero(eligible)))
    if len(rules) == 1 and _is_plain(rules[0]):
        return _capped(order, rules[0].rule, catalog, length=length)
    pinned = plan_pins(rules, eligible, length, index=catalog.tracks.get).tracks
    order = _without_idle(order, rules, catalog, most=length + len(pinned))
    order = _with(order, np.array(list(pinned.values()), np.int32))
    pins = {p: int(np.flatnonzero(order.tracks == t)[0]) for p, t in pinned.items()}
    limits = _limits(rules, order.tracks, pins, length=length, eligible=eligible, catalog=catalog)
    found = seat(len(order), length, limits=limits, pins=pins)
    tracks, scores = order.tracks[found.order], order.scores[found.order]
    return Candidates(order.source, tracks, scores), found.broken


def _is_plain(ruled: Ruled) -> bool:
    """Return whether a rule is a cap on all tracks and places, which needs no pass over them."""
    rule = ruled.rule
    return isinstance(rule, ArtistCap) and ruled.matching is None and rule.first is None


def _capped(
    order: Candidates, rule: AnyRule, catalog: Catalog, *, length: int
) -> tuple[Candidates, bool]:
    assert isinstance(rule, ArtistCap)
    found = cap_artists(order, catalog.artists, rule.most, n=length)
    codes = catalog.artists[found.tracks]
    return found, bool(np.bincount(codes[codes >= 0]).max(initial=0) > rule.most)


def _without_idle(
    order: Candidates, rules: Sequence[Ruled], catalog: Catalog, *, most: int
) -> Candidates:
    """Leave out, of a long list, candidates that can never take a place.

    All rules treat tracks alike that are of one artist and match the same selectors. Of these, none
    takes a place before those in front of it: the first `most` suffice.
    """
    selectors = [r for r in rules if r.matching is not None and not isinstance(r.rule, Pin)]
    if len(order) < _LONG or len(selectors) > _MOST_SELECTORS:
        return order
    alike = np.zeros(len(order), np.int64)
    if any(isinstance(ruled.rule, ArtistCap | Spacing) for ruled in rules):
        alike += catalog.artists[order.tracks]
    for ruled in selectors:
        alike = 2 * alike + ruled.of(order.tracks)
    useful = occurrence(alike) < most
    return Candidates(order.source, order.tracks[useful], order.scores[useful])


def _with(order: Candidates, pinned: IntArray) -> Candidates:
    missing = pinned[~np.isin(pinned, order.tracks)]
    if not missing.size:
        return order
    floor = min(0.0, float(order.scores[-1])) if len(order) else 0.0
    scores = np.concatenate([order.scores, np.full(missing.size, floor, np.float32)])
    return Candidates(order.source, np.concatenate([order.tracks, missing]), scores)


def _limits(
    rules: Sequence[Ruled],
    tracks: IntArray,
    pins: Pins,
    *,
    length: int,
    eligible: BoolArray,
    catalog: Catalog,
) -> list[Limit]:
    """Make the limits of the rules, the most important first."""
    needs, most_of = [], []
    for ruled in rules:
        if isinstance(rule := ruled.rule, Quota):
            least, most, first = quota_bounds(rule, length)
            if least:  # no place need wait for more tracks than there are
                least = min(least, _count(ruled, eligible))
                needs.append((ruled.of(tracks), least, first))
            if most < first:
                most_of.append(AtMostLimit(ruled.of(tracks), most, first=first, pins=pins))
    limits: list[Limit] = [AtLeastLimit(needs, n=length, pins=pins)] if needs else []
    limits += most_of
    codes = catalog.artists[tracks]
    for ruled in rules:
        rule = ruled.rule
        if isinstance(rule, ArtistCap):
            own = np.where(ruled.of(tracks), codes, np.int32(-1))
            first = length if rule.first is None else rule.first
            limits.append(CapLimit(own, rule.most, first=first, pins=pins))
        elif isinstance(rule, Spacing):
            own = np.where(ruled.of(tracks), codes, np.int32(-1))
            limits.append(SpacingLimit(own, rule.places, n=length, pins=pins))
    return limits


def _count(ruled: Ruled, eligible: BoolArray) -> int:
    matching = eligible if ruled.matching is None else eligible & ruled.matching
    return int(np.count_nonzero(matching))
