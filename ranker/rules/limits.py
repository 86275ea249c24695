"""What may stand at a place, given what stands already: caps and spacing.

A limit lives for one answer. It is told of each track that takes a place, and says which of the
candidates may take the next one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import numpy as np

from ranker.candidates import BoolArray, IntArray

Pins = Mapping[int, int]
"""Candidates by the place (from 0) that is theirs before any other is given out."""


class Limit(Protocol):
    """Says who may take a place."""

    def allowed(self, place: int, part: slice) -> BoolArray | None:
        """Return which of a part of the candidates may take a place; None where all may."""
        ...

    def took(self, place: int, at: int) -> None:
        """Note that a candidate that is not pinned took a place."""
        ...


class CapLimit:
    """At most so many of one code in the first places.

    Parameters
    ----------
    codes : ndarray of int32, shape (m,)
        Of the candidates' artists; -1 never counts.
    most, first : int
    pins : mapping of int to int
        Count from the beginning.
    """

    def __init__(self, codes: IntArray, most: int, *, first: int, pins: Pins) -> None:
        self._codes, self._most, self._first = codes, most, first
        self._counts = np.zeros(int(codes.max(initial=-1)) + 2, np.int32)
        self._ok: BoolArray | None = None
        for place, at in pins.items():
            self.took(place, at)

    def allowed(self, place: int, part: slice) -> BoolArray | None:
        """Return the tracks of artists below the cap."""
        return None if self._ok is None or place >= self._first else self._ok[part]

    def took(self, place: int, at: int) -> None:
        """Count a track of its artist."""
        code = int(self._codes[at])
        if code < 0 or place >= self._first:
            return
        self._counts[code] += 1
        if self._counts[code] == self._most:
            ok = np.ones(self._codes.size, bool) if self._ok is None else self._ok
            self._ok = ok & (self._codes != code)


class SpacingLimit:
    """So many others between two of one code.

    Parameters
    ----------
    codes : ndarray of int32, shape (m,)
        Of the candidates' artists; -1 never counts.
    gap : int
        How many others.
    n : int
        Places in all.
    pins : mapping of int to int
        Kept at a distance from both sides.
    """

    def __init__(self, codes: IntArray, gap: int, *, n: int, pins: Pins) -> None:
        self._codes, self._gap = codes, gap
        self._placed = np.full(n, -1, np.int32)
        self._near = np.zeros(int(codes.max(initial=-1)) + 2, bool)  # the last one is code -1
        for place, at in pins.items():
            self._placed[place] = codes[at]

    def allowed(self, place: int, part: slice) -> BoolArray | None:
        """Return the tracks of artists that stand nowhere near."""
        window = self._placed[max(0, place - self._gap) : place + self._gap + 1]
        window = window[window >= 0]
        if not window.size:
            return None
        self._near[window] = True
        ok = ~self._near[self._codes[part]]
        self._near[window] = False
        return ok

    def took(self, place: int, at: int) -> None:
        """Note whose track stands there."""
        self._placed[place] = self._codes[at]
