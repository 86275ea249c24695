"""Patterns written as strings, one character a step; see `style.Style` for the signs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

LOUDNESS = {"X": 1.0, "x": 0.78, "o": 0.45}
"""Velocity of a sign that strikes; digits and `w` strike normally."""


@dataclass(frozen=True)
class Stroke:
    """One sign of a pattern.

    Attributes
    ----------
    step : int
        From the start of its bar.
    length : int
        Steps until the next sign, rests included.
    sign : str
    """

    step: int
    length: int
    sign: str

    @property
    def velocity(self) -> float:
        """How hard it strikes, 0..1."""
        return LOUDNESS.get(self.sign, LOUDNESS["x"])


def strokes(pattern: str, *, bar: int, steps: int) -> Iterator[Stroke]:
    """Yield what a pattern strikes in one bar.

    Parameters
    ----------
    pattern : str
        One or more bars, repeated for ever.
    bar, steps : int
        The bar's number, and its steps.

    Examples
    --------
    >>> [(s.step, s.length, s.sign) for s in strokes("X.-.x...", bar=0, steps=8)]
    [(0, 2, 'X'), (4, 4, 'x')]
    """
    start = bar * steps % len(pattern)
    for at in range(start, min(start + steps, len(pattern))):
        sign = pattern[at]
        if sign not in ".-":
            rest = pattern[at + 1 :]
            yield Stroke(at - start, 1 + len(rest) - len(rest.lstrip(".")), sign)
