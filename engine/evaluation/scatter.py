"""Plots of an evaluation with a point for each system: what accuracy costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from engine.bootstrap import Estimate
from engine.evaluation.svg import (
    CHARACTER,
    Scale,
    bounds,
    figure,
    grid,
    interval,
    path,
    rows_grid,
    scaled,
    text,
    upright,
)

_WIDTH, _TALL = 580, 320
_LEFT, _RIGHT = 52, _WIDTH - 16
_LINE = 12  # height of a line of words
_BASELINE = 4  # words stand this much lower than what they name
_ALIKE = 1e-9  # values nearer to each other than that are one


@dataclass(frozen=True)
class Point:
    """A system in a `scatter`: its name, both its estimates, and its class in the style."""

    name: str
    x: Estimate
    y: Estimate
    kind: str = "system"


def scatter(title: str, points: Sequence[Point], *, labels: tuple[str, str]) -> str:
    """Draw one named point a system, with the interval of both its values where there is one.

    Parameters
    ----------
    title : str
    points : sequence of Point
    labels : tuple of str
        What the horizontal and the vertical axis are.
    """
    x_span, y_span = _span([p.x for p in points]), _span([p.y for p in points])
    x, y = scaled(x_span, (_LEFT, _RIGHT)), scaled(y_span, (_TALL - 12, 12))
    parts = [grid(x, x_span, _TALL), rows_grid(y, y_span, (_LEFT, _RIGHT))]
    places = _places([(_reach(p.x, x), y(p.y.mean) + _BASELINE, p.name) for p in points])
    leaders, drawn = [], []
    for point, place in zip(points, places, strict=True):
        px, py = x(point.x.mean), y(point.y.mean)
        if abs(place.y - _BASELINE - py) > _LINE / 2:
            leaders.append(f"M{px:.1f} {py:.1f}L{place.x - 2:.1f} {place.y - _BASELINE:.1f}")
        whiskers = interval(point.x, x, py) + upright(point.y, y, px)
        circle = f'<circle cx="{px:.1f}" cy="{py:.1f}" r="5"/>'
        drawn.append(f'<g class="{point.kind}">{whiskers}{circle}</g>')
        drawn.append(text(place.x, place.y, point.name, anchor=place.anchor))
    parts += [path("leader", "".join(leaders)), *drawn]
    parts += [
        text((_LEFT + _RIGHT) / 2, _TALL + 34, labels[0], anchor="middle", kind="soft"),
        f'<text class="soft" text-anchor="middle" transform="translate(12 {_TALL / 2:.0f}) '
        f'rotate(-90)">{escape(labels[1])}</text>',
    ]
    return figure(title, (_WIDTH, _TALL + 42), parts)


def _span(estimates: Sequence[Estimate]) -> tuple[float, float]:
    """Return the ends of all intervals, with a little room around them."""
    ends = [end for estimate in estimates for end in bounds(estimate)]
    low, high = min(ends, default=0.0), max(ends, default=1.0)
    room = 0.08 * (high - low) if high - low > _ALIKE else 0.5
    return (max(low - room, 0.0) if low >= 0 else low - room), high + room


@dataclass(frozen=True)
class _Place:
    """Where a name stands: its anchor, and from where to where it reaches."""

    x: float
    y: float
    anchor: str
    begin: float
    end: float

    def is_clear_of(self, other: _Place) -> bool:
        apart = self.end < other.begin or self.begin > other.end
        return apart or abs(self.y - other.y) > _LINE


def _reach(estimate: Estimate, scale: Scale) -> tuple[float, float]:
    """Return from where to where a point is drawn, its whisker with it."""
    low, high = (scale(end) for end in bounds(estimate))
    middle = scale(estimate.mean)
    return min(low, middle - 6), max(high, middle + 6)


def _places(points: Sequence[tuple[tuple[float, float], float, str]]) -> list[_Place]:
    """Put a name beside each point, as near as no other name or point is in its way."""
    drawn = [_Place(begin, y, "", begin, end) for (begin, end), y, _ in points]
    places: list[_Place] = []
    for reach, y, name in points:
        shifts = [side * shift for shift in range(0, _TALL, 6) for side in (-1, 1)]
        tried = [_beside(reach, y + shift, name) for shift in shifts]
        inside = [place for place in tried if _LINE < place.y < _TALL]
        taken = drawn + places
        free = (p for p in inside if all(p.is_clear_of(other) for other in taken))
        places.append(next(free, tried[0]))
    return places


def _beside(reach: tuple[float, float], y: float, name: str) -> _Place:
    """Put a name to the right of a point, or to its left where there is no room."""
    long, (left, right) = CHARACTER * len(name), (reach[0] - 5, reach[1] + 5)
    if right + long < _RIGHT:
        return _Place(right, y, "start", right, right + long)
    return _Place(left, y, "end", left - long, left)
