"""What the plots are drawn with: scales, grids, intervals, words, as inline SVG.

Colours are classes of the page's style, so that a plot follows the reader's light or dark theme.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from html import escape

from engine.bootstrap import Estimate

CHARACTER = 6.7
"""Mean width of a character, enough for names in a 12 px sans-serif."""

_TICKS = 5

Scale = Callable[[float], float]
"""From a value to a place in the drawing."""


def ticks(span: tuple[float, float]) -> list[float]:
    """Return round numbers within a span, about five."""
    rough = (span[1] - span[0]) / _TICKS
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(s * power for s in (1, 2, 2.5, 5, 10) if s * power >= rough * (1 - 1e-9))
    first, last = math.ceil(span[0] / step - 1e-9), math.floor(span[1] / step + 1e-9)
    return [i * step for i in range(first, last + 1)]


def scaled(span: tuple[float, float], room: tuple[float, float]) -> Scale:
    """Return the map of a span of values onto a room of the drawing."""
    return lambda value: room[0] + (value - span[0]) / (span[1] - span[0]) * (room[1] - room[0])


def bounds(estimate: Estimate) -> tuple[float, float]:
    """Return the ends of an interval; the mean twice where there is none."""
    low = estimate.mean if estimate.low is None else estimate.low
    return low, estimate.mean if estimate.high is None else estimate.high


def grid(scale: Scale, span: tuple[float, float], height: float) -> str:
    """Draw upright lines at round values, named below."""
    lines = "".join(f"M{scale(t):.1f} 0V{height}" for t in ticks(span))
    names = "".join(
        text(scale(t), height + 15, f"{t:g}", anchor="middle", kind="tick") for t in _shown(span)
    )
    return path("grid", lines) + names


def rows_grid(scale: Scale, span: tuple[float, float], room: tuple[float, float]) -> str:
    """Draw level lines at round values across a room, named to its left."""
    lines = "".join(f"M{room[0]} {scale(t):.1f}H{room[1]}" for t in ticks(span))
    names = "".join(
        text(room[0] - 6, scale(t) + 4, f"{t:g}", anchor="end", kind="tick") for t in _shown(span)
    )
    return path("grid", lines) + names


def _shown(span: tuple[float, float]) -> list[float]:
    return [round(t, 10) + 0.0 for t in ticks(span)]


def interval(estimate: Estimate, scale: Scale, y: float) -> str:
    """Draw an interval as a level line with ends; nothing where there is none."""
    if estimate.low is None or estimate.high is None:
        return ""
    low, high = scale(estimate.low), scale(estimate.high)
    drawn = f"M{low:.1f} {y:.1f}H{high:.1f}M{low:.1f} {y - 4:.1f}v8M{high:.1f} {y - 4:.1f}v8"
    return path("whisker", drawn)


def upright(estimate: Estimate, scale: Scale, x: float) -> str:
    """Draw an interval as an upright line; nothing where there is none."""
    if estimate.low is None or estimate.high is None:
        return ""
    return path("whisker", f"M{x:.1f} {scale(estimate.low):.1f}V{scale(estimate.high):.1f}")


def path(kind: str, drawn: str) -> str:
    """Draw lines of a class of the style."""
    return f'<path class="{kind}" d="{drawn}"/>' if drawn else ""


def text(x: float, y: float, words: str, *, anchor: str = "start", kind: str = "") -> str:
    """Write words, which are escaped here."""
    known = f' class="{kind}"' if kind else ""
    return f'<text{known} x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>'


def figure(title: str, size: tuple[float, float], parts: Sequence[str]) -> str:
    """Put the parts of a drawing together under a title; `size` is width and height."""
    return (
        f'<figure><figcaption>{escape(title)}</figcaption><svg viewBox="0 0 {size[0]} {size[1]}" '
        f'role="img" aria-label="{escape(title)}">{"".join(parts)}</svg></figure>'
    )
