"""Plots of an evaluation with a line for each system or comparison."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from engine.bootstrap import Estimate
from engine.evaluation.svg import (
    CHARACTER,
    Scale,
    bounds,
    figure,
    grid,
    interval,
    path,
    scaled,
    text,
)

_STEP = 24  # height of a row
_FAR = 4  # times the median distance from zero


@dataclass(frozen=True)
class Row:
    """A line of `bars` or `forest`: its name, its estimate, and its class in the style."""

    name: str
    estimate: Estimate
    kind: str = "system"


def bars(title: str, rows: Sequence[Row], *, mark: float | None = None, width: int = 580) -> str:
    """Draw one bar a row from zero, with its interval across the bar's end.

    Parameters
    ----------
    title : str
    rows : sequence of Row
        Values that are not negative.
    mark : float, optional
        A value to draw a line at, such as the baseline's.
    width : int
        Of the drawing, in its own units.
    """
    left, right = _label_width(rows), width - 54
    top = max((bounds(row.estimate)[1] for row in rows), default=0) or 1
    scale = scaled((0, top), (left, right))
    parts = [grid(scale, (0, top), _height(rows))]
    if mark is not None:
        parts.append(path("mark", f"M{scale(mark):.1f} 0V{_height(rows)}"))
    for i, row in enumerate(rows):
        y = i * _STEP + 3
        length = scale(row.estimate.mean) - left
        parts += [
            text(left - 8, y + 13, row.name, anchor="end"),
            f'<rect class="bar {row.kind}" x="{left:.1f}" y="{y}" width="{length:.1f}" '
            'height="18" rx="2"/>',
            interval(row.estimate, scale, y + 9),
            text(scale(bounds(row.estimate)[1]) + 7, y + 13, f"{row.estimate.mean:.4f}"),
        ]
    return figure(title, (width, _height(rows) + 20), parts)


def forest(title: str, rows: Sequence[Row], *, width: int = 580) -> str:
    """Draw one point a row with its interval, about a line at zero.

    A few far points would leave the others no room: what lies beyond four times the median
    distance from zero is an arrow at the edge, with its value.
    """
    left, right = _label_width(rows) + 14, width - 60
    span = _near(rows)
    scale = scaled(span, (left, right))
    height = _height(rows)
    parts = [grid(scale, span, height), path("zero", f"M{scale(0):.1f} 0V{height}")]
    for i, row in enumerate(rows):
        y = i * _STEP + 12
        drawn = _near_point if span[0] <= row.estimate.mean <= span[1] else _far_point
        parts += [
            text(left - 20, y + 4, row.name, anchor="end"),
            f'<g class="{row.kind}">{drawn(row.estimate, scale, span, y)}</g>',
        ]
    return figure(title, (width, height + 20), parts)


def _near(rows: Sequence[Row]) -> tuple[float, float]:
    """Return the ends of all intervals and zero, but for what lies far out."""
    ends = [bounds(row.estimate) for row in rows]
    limit = _FAR * median([max(-low, high) for low, high in ends] or [0.0])
    low = max(min([0.0, *(low for low, _ in ends)]), -limit)
    high = min(max([0.0, *(high for _, high in ends)]), limit)
    return (low, high) if low < high else (-1.0, 1.0)


def _near_point(estimate: Estimate, scale: Scale, span: tuple[float, float], y: float) -> str:
    low, high = (min(max(end, span[0]), span[1]) for end in bounds(estimate))
    whisker = interval(Estimate(estimate.mean, low, high), scale, y)
    return f'{whisker}<circle cx="{scale(estimate.mean):.1f}" cy="{y}" r="4.5"/>'


def _far_point(estimate: Estimate, scale: Scale, span: tuple[float, float], y: float) -> str:
    side = 1 if estimate.mean > span[1] else -1
    x = scale(span[1] if side > 0 else span[0])
    arrow = path("arrow", f"M{x:.1f} {y - 5}l{side * 9} 5l{-side * 9} 5z")
    beside = x + (12 if side > 0 else 6)
    return arrow + text(beside, y + 4, f"{estimate.mean:+.4f}", kind="soft")


def _label_width(rows: Sequence[Row]) -> float:
    return 14 + CHARACTER * max((len(row.name) for row in rows), default=0)


def _height(rows: Sequence[Row]) -> int:
    return _STEP * len(rows)
