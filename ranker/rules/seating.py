"""Giving out the places of an answer, one after another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ranker.candidates import BoolArray, IntArray
from ranker.rules.limits import Limit, Pins

_FEW = 256  # candidates that are looked at first: mostly one of them will do


@dataclass(frozen=True, eq=False)
class Seating:
    """Who stands where.

    Attributes
    ----------
    order : ndarray of int32, shape (min(n, m),)
        Candidates by place.
    broken : bool
        Whether some place had to go to a candidate that a limit forbade: none was allowed.
    """

    order: IntArray
    broken: bool


def seat(m: int, n: int, *, limits: Sequence[Limit], pins: Pins) -> Seating:
    """Give each place to the first candidate that every limit allows.

    Where no candidate satisfies all limits, the later ones give way to the earlier ones: a place
    is never left empty.

    Parameters
    ----------
    m : int
        How many candidates there are; they are numbered in their order.
    n : int
        How many places.
    limits : sequence of Limit
        The most important first.
    pins : mapping of int to int
        Candidates with a place of their own, below min(n, m).
    """
    free = np.ones(m, bool)
    free[list(pins.values())] = False
    order = np.empty(min(n, m), np.int32)
    first = 0  # nobody before it is free
    broken = False
    for place in range(order.size):
        if place in pins:
            order[place] = pins[place]
            continue
        first += int(free[first:].argmax())
        at = _first_allowed(place, free, limits, first=first)
        if at is None:
            at, broken = _least_wrong(place, free, limits), True
        order[place], free[at] = at, False
        for limit in limits:
            limit.took(place, at)
    return Seating(order, broken)


def _first_allowed(
    place: int, free: BoolArray, limits: Sequence[Limit], *, first: int
) -> int | None:
    """Return the first free candidate that every limit allows; None if there is none."""
    start, size = first, _FEW
    while start < free.size:
        part = slice(start, start + size)
        allowed = free[part]
        for limit in limits:
            ok = limit.allowed(place, part)
            if ok is not None:
                allowed = allowed & ok
        at = int(allowed.argmax())
        if allowed[at]:
            return start + at
        start, size = start + size, 8 * size
    return None


def _least_wrong(place: int, free: BoolArray, limits: Sequence[Limit]) -> int:
    """Return the first free candidate that heeds the first limits, as many as can be heeded."""
    allowed = free
    for limit in limits:
        ok = limit.allowed(place, slice(None))
        if ok is not None and (allowed & ok).any():
            allowed = allowed & ok
    return int(allowed.argmax())
