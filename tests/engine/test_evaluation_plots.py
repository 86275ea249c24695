from __future__ import annotations

import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.bootstrap import Estimate
from engine.evaluation.plots import Row, bars, forest
from engine.evaluation.scatter import Point, scatter
from engine.evaluation.svg import ticks


def numbers(text: str, pattern: str) -> list[float]:
    return [float(found) for found in re.findall(pattern, text)]


@pytest.mark.parametrize(
    ("span", "expected"),
    [
        ((0.0, 1.0), [0, 0.2, 0.4, 0.6, 0.8, 1]),
        ((0.0, 0.27), [0, 0.1, 0.2]),
        ((-0.013, 0.02), [-0.01, 0, 0.01, 0.02]),
        ((3.0, 3.9), [3, 3.2, 3.4, 3.6, 3.8]),
    ],
)
def test_ticks_by_hand(span: tuple[float, float], expected: list[float]) -> None:
    assert ticks(span) == pytest.approx(expected)


@given(st.floats(-1e3, 1e3), st.floats(1e-6, 1e3))
def test_ticks_are_few_evenly_spread_and_inside(low: float, width: float) -> None:
    found = ticks((low, low + width))
    assert 1 <= len(found) <= 7
    assert all(low - 1e-6 * width <= t <= low + width * (1 + 1e-6) for t in found)
    steps = [b - a for a, b in pairwise(found)]
    assert steps == pytest.approx([steps[0]] * len(steps) if steps else [])


def test_bars_are_in_proportion() -> None:
    """The longest interval fills the plot, and a bar's length is its mean's share of it."""
    rows = [Row("one", Estimate(0.2, 0.1, 0.4)), Row("other", Estimate(0.1, 0.05, 0.15))]
    drawn = bars("both", rows, mark=0.2)
    one, other = numbers(drawn, r'<rect[^>]* width="([\d.]+)"')
    assert one == pytest.approx(2 * other, abs=0.1)
    left = numbers(drawn, r'<rect[^>]* x="([\d.]+)"')[0]
    (mark,) = numbers(drawn, r'class="mark" d="M([\d.]+)')
    assert mark == pytest.approx(left + one, abs=0.2)
    ends = numbers(drawn, r'class="whisker" d="M[\d.]+ [\d.]+H([\d.]+)')
    assert ends[0] - left == pytest.approx(2 * one, abs=0.2)


def test_bars_without_intervals_have_no_whiskers() -> None:
    assert "whisker" not in bars("x", [Row("a", Estimate(0.5))])


def test_a_forest_is_on_both_sides_of_zero() -> None:
    rows = [
        Row("up", Estimate(0.02, 0.01, 0.03), "up"),
        Row("down", Estimate(-0.02, -0.03, -0.01), "down"),
        Row("level", Estimate(0.0, -0.01, 0.01), "level"),
    ]
    drawn = forest("differences", rows)
    (zero,) = numbers(drawn, r'class="zero" d="M([\d.]+)')
    up, down, level = numbers(drawn, r'cx="([\d.]+)"')
    assert level == zero
    assert up - zero == pytest.approx(zero - down, abs=0.2)
    assert up > zero


def test_what_is_far_out_is_an_arrow_with_its_value() -> None:
    near = [Row(f"r{i}", Estimate(0.001 * i, 0.0005 * i, 0.0015 * i)) for i in range(1, 6)]
    far = [Row("far", Estimate(-0.5, -0.6, -0.4)), Row("above", Estimate(0.7, 0.6, 0.8))]
    drawn = forest("differences", near + far)
    assert drawn.count("<circle") == len(near)
    assert drawn.count('class="arrow"') == len(far)
    assert ">-0.5000<" in drawn
    assert ">+0.7000<" in drawn
    places = numbers(drawn, r'cx="([\d.]+)"')
    assert max(places) - min(places) > 30  # to scale they would have a pixel or two


def test_points_of_a_scatter_rise_to_the_right_and_up() -> None:
    points = [Point("low", Estimate(0.1), Estimate(0.2)), Point("high", Estimate(0.3), Estimate(1))]
    drawn = scatter("t", points, labels=("x <axis>", "y"))
    low, high = numbers(drawn, r'cx="([\d.]+)"')
    assert low < high
    low, high = numbers(drawn, r'cy="([\d.]+)"')
    assert low > high
    assert "x &lt;axis&gt;" in drawn


def test_names_of_a_scatter_do_not_cover_each_other() -> None:
    """Twelve systems at nearly one place: each name has a line of its own."""
    points = [
        Point(f"system-{i}", Estimate(0.5 + i * 1e-4), Estimate(0.2 + i * 1e-4)) for i in range(12)
    ]
    points.append(Point("far", Estimate(0.9), Estimate(0.9)))
    drawn = scatter("t", points, labels=("x", "y"))
    heights = sorted(numbers(drawn, r'y="([\d.]+)" text-anchor="\w+">system'))
    assert len(heights) == 12
    assert min(b - a for a, b in pairwise(heights)) >= 12


def test_a_scatter_of_one_place() -> None:
    same = [Point(f"s{i}", Estimate(0.0, 0.0, 0.0), Estimate(0.0, 0.0, 0.0)) for i in range(3)]
    assert scatter("t", same, labels=("x", "y")).count("<circle") == 3
