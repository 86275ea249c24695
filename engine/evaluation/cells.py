"""Cells, rows and tables of the page of an evaluation."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from engine.bootstrap import Estimate
from engine.evaluation.lineup import CONTROL
from engine.evaluation.plots import Row
from engine.evaluation.report import p_value
from engine.evaluation.results import Difference, Report, Slice

ACCURACY = {
    "ndcg": "nDCG",
    "recall": "Recall",
    "mrr": "MRR",
    "map": "MAP",
    "hit_rate": "hit rate",
}
"""Measures of the hits, as they are shown."""

BESIDE = {
    "coverage": "coverage",
    "gini": "Gini of exposure",
    "novelty": "novelty",
    "artist": "artist concentration",
    "diversity": "acoustic diversity",
}
"""Other measures, as they are shown."""


def label(metric: str, k: int) -> str:
    """Return the heading of a measure."""
    return f"{(ACCURACY | BESIDE)[metric]}@{k}"


def kind(report: Report, name: str) -> str:
    """Return the class of a system in the style."""
    if name == report.baseline:
        return "baseline"
    return "control" if name.endswith(CONTROL) else "system"


def rows_of(report: Report, found: Report | Slice, metric: str) -> list[Row]:
    """Return a line of a plot for each system of a report, or of a slice of it."""
    return [Row(name, v[metric], kind(report, name)) for name, v in found.systems.items()]


def mark(report: Report, found: Report | Slice, metric: str) -> float | None:
    """Return the baseline's value in a report, or in a slice of it."""
    baseline = found.systems.get(report.baseline)
    return None if baseline is None else baseline[metric].mean


def compared(report: Report, difference: Difference, metric: str) -> Row:
    """Return a line of a plot for a comparison."""
    name = f"{difference.system} − {difference.baseline}"
    return Row(name, difference.metrics[metric], _side(report, difference, metric))


def cell(estimate: Estimate, *, best: bool = False) -> str:
    """Lay out a value with its interval."""
    named = ' class="best"' if best else ""
    return f"<td{named}>{estimate.mean:.4f}{_range(estimate)}</td>"


def difference_cell(report: Report, difference: Difference, metric: str) -> str:
    """Lay out a difference with its interval and p-value, coloured where it is clear."""
    estimate, side = difference.metrics[metric], _side(report, difference, metric)
    test = difference.tests.get(metric)
    p = f"<small>p {escape(p_value(test.p_holm))}</small>" if test else ""
    named = "" if side == "level" else f' class="clear {side}"'
    return f"<td{named}>{estimate.mean:+.4f}{_range(estimate, signed=True)}{p}</td>"


def slice_cell(part: Slice, pair: tuple[str, str], metric: str) -> str:
    """Lay out a value of the first of two systems, marked if it is not that of the second."""
    estimate, over = part.systems[pair[0]][metric], part.over(*pair)
    arrow = ""
    if over is not None and over.metrics[metric].excludes_zero:
        up = over.metrics[metric].mean > 0
        arrow = '<span class="up">▲</span> ' if up else '<span class="down">▼</span> '
    return f"<td>{arrow}{estimate.mean:.4f}{_range(estimate)}</td>"


def table(heads: Iterable[str | tuple[str, ...]], rows: Sequence[Sequence[str]]) -> str:
    """Lay out rows, each of a name, which is escaped here, and of ready-made cells.

    A heading of several parts has all but the first in small print.
    """
    lines = "".join(f"<tr><td>{escape(row[0])}</td>{''.join(row[1:])}</tr>\n" for row in rows)
    return (
        f'<div class="scroll"><table>\n<thead><tr>{"".join(map(_head, heads))}</tr></thead>\n'
        f"<tbody>\n{lines}</tbody></table></div>"
    )


def _head(parts: str | tuple[str, ...]) -> str:
    first, *others = (parts,) if isinstance(parts, str) else parts
    small = "".join(f"<small>{escape(other)}</small>" for other in others)
    return f"<th>{escape(first)}{small}</th>"


def _side(report: Report, difference: Difference, metric: str) -> str:
    if not difference.is_clear(metric, level=report.level):
        return "level"
    return "up" if difference.metrics[metric].mean > 0 else "down"


def _range(estimate: Estimate, *, signed: bool = False) -> str:
    if estimate.low is None or estimate.high is None:
        return ""
    form = "+.4f" if signed else ".4f"
    return f"<small>{estimate.low:{form}} to {estimate.high:{form}}</small>"
