"""An evaluation as tables for a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from engine.bootstrap import Estimate
from engine.evaluation.results import Difference, Report, Slice
from engine.evaluation.slices import ALONE

_WIDE, _NARROW = ("ndcg", "recall"), ("mrr", "map", "hit_rate")
_BESIDE = ("coverage", "gini", "novelty", "artist", "diversity")
_UNITS = {"activity": "known tracks", "popularity": "listeners", ALONE: "listeners"}


def render_text(report: Report) -> str:
    """Return the report as tables for a terminal, about 100 columns wide."""
    parts = [_headline(report)]
    parts += [_accuracy_table(report, k) for k in report.ks]
    parts.append(_beside_table(report))
    if report.differences:
        parts.append(_differences_table(report))
    parts += [_slices_table(report, slices) for slices in report.slices_by().values()]
    parts += [f"{name} was skipped: {why}" for name, why in report.skipped.items()]
    parts += [f"{name}: {note}" for name, note in report.notes.items()]
    return "\n\n".join(parts) + "\n"


def _headline(report: Report) -> str:
    sizes = report.sizes
    left_out = sizes.get("users_without_history", 0)
    splits = f", {report.repeats} splits" if report.repeats > 1 else ""
    return (
        f"Protocol {report.protocol}{splits}: {sizes['users']:,} users, {sizes['targets']:,} "
        f"held-out tracks to find among {sizes['eligible_tracks']:,} eligible.\n"
        f"Learnt from {sizes['train_plays']:,} rows."
        + (f" {left_out:,} users without a history are left out." if left_out else "")
    )


def _accuracy_table(report: Report, k: int) -> str:
    rows = [[f"lists of {k}", *_WIDE, *_NARROW]]
    for name, metrics in report.systems.items():
        intervals = [with_interval(metrics[f"{m}@{k}"]) for m in _WIDE]
        rows.append([name, *intervals, *(f"{metrics[f'{m}@{k}'].mean:.4f}" for m in _NARROW)])
    return text_table(rows)


def _beside_table(report: Report) -> str:
    k = report.ks[0]
    measures = report.measured(_BESIDE, k)
    rows = [["", *(f"{measure}@{k}" for measure in measures)]]
    for name, metrics in report.systems.items():
        rows.append([name, *(f"{metrics[f'{m}@{k}'].mean:.4f}" for m in measures)])
    return text_table(rows)


def _differences_table(report: Report) -> str:
    k = report.ks[0]
    heads = (cell for metric in _WIDE for cell in (f"{metric}@{k}", "p"))
    rows = [["difference", *heads]]
    for d in report.differences:
        cells = [c for m in _WIDE for c in _compared(d, f"{m}@{k}", level=report.level)]
        rows.append([f"{d.system} - {d.baseline}", *cells])
    level = f"{1 - report.level:.2g}"
    return (
        text_table(rows) + f"\n(p of the paired sign-flip test, Holm-corrected; * is below {level})"
    )


def _compared(difference: Difference, metric: str, *, level: float) -> tuple[str, str]:
    star = "*" if difference.is_clear(metric, level=level) else ""
    test = difference.tests.get(metric)
    p = p_value(test.p_holm) if test else ""
    return with_interval(difference.metrics[metric], signed=True), f"{p} {star}".strip()


def _slices_table(report: Report, slices: Sequence[Slice]) -> str:
    metric = f"ndcg@{report.ks[0]}"
    rows = [
        [f"{metric} by {slices[0].by}", *(s.name for s in slices)],
        ["", *(span_title(s) for s in slices)],
        ["", *(f"{s.users:,} users" for s in slices)],
    ]
    for name in report.systems:
        rows.append([name, *(_with_half(s.systems[name][metric]) for s in slices)])
    return text_table(rows, headings=3) + "\n(± half of the interval)"


def span_title(part: Slice) -> str:
    """Return what a slice holds, such as "1-4 known tracks"."""
    low, high = part.span
    span = f"{low:,}" if low == high else f"{low:,}-{high:,}"
    return f"{span} {_UNITS[part.by]}"


def p_value(p: float) -> str:
    """Return a p-value such as "0.031", "<.001"."""
    return "<.001" if p < 0.001 else f"{p:.3f}"


def with_interval(estimate: Estimate, *, signed: bool = False) -> str:
    """Return a number such as "0.1234 [0.1200, 0.1268]"."""
    form = "+.4f" if signed else ".4f"
    if estimate.low is None or estimate.high is None:
        return f"{estimate.mean:{form}}"
    return f"{estimate.mean:{form}} [{estimate.low:{form}}, {estimate.high:{form}}]"


def _with_half(estimate: Estimate) -> str:
    if estimate.low is None or estimate.high is None:
        return f"{estimate.mean:.4f}"
    return f"{estimate.mean:.4f} ±{(estimate.high - estimate.low) / 2:.4f}"


def text_table(rows: list[list[str]], *, headings: int = 1) -> str:
    """Return rows of cells, the first of them headings, as an aligned table."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = ["  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)) for row in rows]
    rule = "  ".join("-" * w for w in widths)
    return "\n".join(line.rstrip() for line in [*lines[:headings], rule, *lines[headings:]])
