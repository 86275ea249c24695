"""An evaluation as one self-contained HTML file: tables and plots, no external resource."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from html import escape
from pathlib import Path

from data.files import write_atomically
from engine.evaluation.cells import (
    ACCURACY,
    BESIDE,
    cell,
    compared,
    difference_cell,
    kind,
    label,
    mark,
    rows_of,
    slice_cell,
    table,
)
from engine.evaluation.plots import bars, forest
from engine.evaluation.report import p_value, span_title
from engine.evaluation.results import Report, Slice
from engine.evaluation.scatter import Point, scatter
from engine.evaluation.slices import ALONE
from engine.evaluation.style import STYLE

_TERMS = {
    "nDCG": "hits, weighted less the lower they stand, as a share of the best possible list",
    "Recall": "share of all held-out tracks that the list holds",
    "MRR": "1 / rank of the first hit, 0 without one",
    "MAP": "mean precision at the ranks of the hits, of as many hits as were possible",
    "hit rate": "share of the users whose list holds a hit",
    "coverage": "share of the eligible tracks that at least one user's list holds",
    "Gini of exposure": "0: all eligible tracks are shown equally often; near 1: few are shown",
    "novelty": "mean of -log2(share of the training users who played the track), in bits",
    "artist concentration": "share of the list by its most frequent artist",
    "acoustic diversity": "mean cosine distance between the embeddings of the list's tracks",
}
_PLOTTED = ("ndcg", "recall")
_NARROW, _BROAD = 400, 580  # widths of plots of which three, or two, stand in a row
_IN_A_ROW = 3
_CUT_BY = {
    "activity": "activity of the user",
    "popularity": "popularity of the target",
    ALONE: "popularity of the target, each part ranked by itself",
}
_ALIKE = 1e-9  # a measure that differs less than that between systems has no plot


def write_html(report: Report, path: Path) -> None:
    """Write a report as one HTML file, atomically; it follows the reader's light or dark theme."""
    write_atomically(path, render_html(report).encode("utf-8"))


def render_html(report: Report) -> str:
    """Return the report as an HTML document."""
    body = [_head(report), *(_accuracy(report, k) for k in report.ks)]
    if report.differences:
        body.append(_differences(report))
    body += [_slices(report, slices) for slices in report.slices_by().values()]
    body += [_beside(report), _terms(), _parameters(report)]
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>Evaluation: {escape(report.protocol)}</title>\n<style>{STYLE}</style>\n"
        "</head>\n<body>\n" + "\n".join(body) + "\n</body>\n</html>\n"
    )


def _head(report: Report) -> str:
    sizes = "".join(
        f"<div><dt>{escape(name.replace('_', ' '))}</dt><dd>{value:,}</dd></div>"
        for name, value in report.sizes.items()
    )
    skipped = "".join(
        f"<p>{escape(name)} was skipped: {escape(why)}</p>" for name, why in report.skipped.items()
    )
    notes = "".join(f"<p>{escape(name)}: {escape(note)}</p>" for name, note in report.notes.items())
    splits = (
        f'<p class="soft">{report.repeats} splits together: a user counts once, with the mean of '
        "what it was worth in those that ask about it.</p>\n"
        if report.repeats > 1
        else ""
    )
    return (
        f'<h1>Evaluation: {escape(report.protocol)}</h1>\n<dl class="sizes">{sizes}</dl>\n{splits}'
        f"<p>{_in_short(report)}</p>\n"
        '<p class="soft">Every user is answered from a full ranking of all eligible tracks. '
        f"Small numbers and whiskers are {report.level:.0%} bootstrap intervals over users. "
        f"Grey: controls, whose sound is dealt to the wrong tracks.</p>\n{skipped}{notes}"
    )


def _in_short(report: Report) -> str:
    """Name the system with the highest nDCG, and what it has over the baseline."""
    metric = f"ndcg@{report.ks[0]}"
    best = max(report.systems, key=lambda name: report.systems[name][metric].mean)
    text = (
        f"Highest {label('ndcg', report.ks[0])}: <strong>{escape(best)}</strong>, "
        f"{report.systems[best][metric].mean:.4f}"
    )
    for d in report.differences:
        if (d.system, d.baseline) == (best, report.baseline):
            text += f"; {d.metrics[metric].mean:+.4f} over {escape(d.baseline)}"
            test = d.tests.get(metric)
            text += f" (p {escape(p_value(test.p_holm))})" if test else ""
    return f"{text}."


def _accuracy(report: Report, k: int) -> str:
    plots = "".join(
        bars(label(m, k), rows_of(report, report, at), mark=mark(report, report, at))
        for m, at in ((m, f"{m}@{k}") for m in _PLOTTED)
    )
    best = {m: max(v[f"{m}@{k}"].mean for v in report.systems.values()) for m in ACCURACY}
    rows = [
        [name, *(cell(v[f"{m}@{k}"], best=v[f"{m}@{k}"].mean == best[m]) for m in ACCURACY)]
        for name, v in report.systems.items()
    ]
    heads = ["system", *(label(m, k) for m in ACCURACY)]
    return f'<h2>Lists of {k}</h2>\n<div class="plots pair">{plots}</div>\n{table(heads, rows)}'


def _differences(report: Report) -> str:
    k = report.ks[0]
    plots = "".join(
        forest(label(m, k), [compared(report, d, f"{m}@{k}") for d in report.differences])
        for m in _PLOTTED
    )
    return (
        "<h2>Paired differences</h2>\n"
        '<p class="soft">The same users, compared one by one. p: two-sided sign-flip test, '
        "corrected for all comparisons of a column by Holm's procedure; coloured where it is "
        f"below {1 - report.level:.2g}. ◀ ▶: too far out to be drawn to scale.</p>\n"
        f'<div class="plots pair">{plots}</div>\n'
        + _each_k(report, lambda k: _differences_table(report, k))
    )


def _differences_table(report: Report, k: int) -> str:
    rows = [
        [
            f"{d.system} − {d.baseline}",
            *(difference_cell(report, d, f"{m}@{k}") for m in ACCURACY),
        ]
        for d in report.differences
    ]
    return table(["", *(label(m, k) for m in ACCURACY)], rows)


def _slices(report: Report, slices: Sequence[Slice]) -> str:
    metric, by = f"ndcg@{report.ks[0]}", slices[0].by
    three = len(slices) == _IN_A_ROW
    plots = "".join(
        bars(
            f"{s.name}: {span_title(s)}",
            rows_of(report, s, metric),
            mark=mark(report, s, metric),
            width=_NARROW if three else _BROAD,
        )
        for s in slices
    )
    heads = [(s.name, span_title(s), f"{s.users:,} users, {s.targets:,} targets") for s in slices]
    rows = [
        [name, *(slice_cell(s, (name, report.baseline), metric) for s in slices)]
        for name in report.systems
    ]
    what = _CUT_BY[by]
    return (
        f"<h2>{label('ndcg', report.ks[0])} by {what}</h2>\n"
        f'<p class="soft">▲ ▼: above or below {escape(report.baseline)}; the interval of the '
        "paired difference excludes zero (not corrected for the number of comparisons).</p>\n"
        f'<div class="plots{"" if three else " pair"}">{plots}</div>\n'
        + table(["system", *heads], rows)
    )


def _beside(report: Report) -> str:
    k = report.ks[0]
    measures = report.measured(tuple(BESIDE), k)
    plots = "".join(
        scatter(
            f"nDCG and {BESIDE[m]}",
            _points(report, m, k),
            labels=(label(m, k), label("ndcg", k)),
        )
        for m in measures
        if m != "gini" and _differs(report, f"{m}@{k}")  # Gini says nearly what coverage says
    )
    return (
        "<h2>What accuracy costs</h2>\n"
        '<p class="soft">Controls are not drawn.</p>\n'
        f'<div class="plots pair">{plots}</div>\n'
        + _each_k(report, lambda k: _beside_table(report, k))
    )


def _beside_table(report: Report, k: int) -> str:
    measures = report.measured(tuple(BESIDE), k)
    rows = [[name, *(cell(v[f"{m}@{k}"]) for m in measures)] for name, v in report.systems.items()]
    return table(["system", *(label(m, k) for m in measures)], rows)


def _each_k(report: Report, tabled: Callable[[int], str]) -> str:
    """Return a table for each length of lists, all but the first folded."""
    first, *others = report.ks
    return f"{tabled(first)}\n" + "".join(
        f"<details><summary>Lists of {k}</summary>\n{tabled(k)}</details>\n" for k in others
    )


def _points(report: Report, measure: str, k: int) -> list[Point]:
    drawn = [name for name in report.systems if kind(report, name) != "control"]
    drawn.sort(key=lambda name: name == report.baseline)  # drawn last, it is not covered
    found = ((name, report.systems[name]) for name in drawn)
    return [
        Point(name, v[f"{measure}@{k}"], v[f"ndcg@{k}"], kind(report, name)) for name, v in found
    ]


def _differs(report: Report, metric: str) -> bool:
    values = [found[metric].mean for found in report.systems.values()]
    return max(values) - min(values) > _ALIKE


def _terms() -> str:
    terms = "".join(f"<dt>{escape(t)}</dt><dd>{escape(says)}</dd>" for t, says in _TERMS.items())
    return f'<h2>What is measured</h2>\n<dl class="terms">{terms}</dl>'


def _parameters(report: Report) -> str:
    values = json.dumps(dict(report.parameters), indent=2, ensure_ascii=False)
    return f"<details><summary>Parameters</summary>\n<pre>{escape(values)}</pre></details>"
