"""An evaluation as one self-contained HTML file: tables, bar plots, no external resource."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from pathlib import Path

from data.files import write_atomically
from engine.evaluation.bootstrap import Estimate
from engine.evaluation.report import Report, slice_title

_STYLE = """
:root { color-scheme: light dark; --page: #fcfcfb; --ink: #1b1c1e; --soft: #63666b;
  --line: #dfe0e2; --bar: #3b6fb6; --muted: #b3b6ba; }
@media (prefers-color-scheme: dark) { :root { --page: #17181a; --ink: #e9eaec; --soft: #9ca0a6;
  --line: #34363a; --bar: #6c9fe0; --muted: #5b5e63; } }
* { box-sizing: border-box; }
body { background: var(--page); color: var(--ink); max-width: 74rem; margin: 0 auto;
  padding: 2rem 1.2rem 4rem; font: 15px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.6rem; margin: 0; } h2 { font-size: 1.1rem; margin: 2.4rem 0 .6rem; }
p { max-width: 48rem; } .soft { color: var(--soft); }
dl { display: flex; flex-wrap: wrap; gap: .4rem 2.2rem; margin: 1.2rem 0; }
dt { color: var(--soft); font-size: .8rem; } dd { margin: 0; font-size: 1.25rem; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; white-space: nowrap; }
th, td { padding: .35rem 1.1rem .35rem 0; border-bottom: 1px solid var(--line); text-align: right;
  font-variant-numeric: tabular-nums; vertical-align: top; }
th { font-weight: 600; } th:first-child, td:first-child { text-align: left; }
td small { display: block; color: var(--soft); font-weight: 400; } td.clear { font-weight: 600; }
.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(20rem, 1fr)); gap: 1.4rem; }
figure { margin: 0; } figcaption { color: var(--soft); font-size: .85rem; }
svg { width: 100%; height: auto; } svg text { fill: var(--ink); font-size: 12px; }
svg .bar { fill: var(--bar); } svg .control { fill: var(--muted); }
svg .whisker { stroke: var(--ink); stroke-width: 1.4; } svg .axis { stroke: var(--line); }
pre { overflow-x: auto; }
"""

_METRICS = {
    "ndcg": "nDCG",
    "recall": "Recall",
    "mrr": "MRR",
    "map": "MAP",
    "hit_rate": "hit rate",
    "coverage": "coverage",
}


def write_html(report: Report, path: Path) -> None:
    """Write a report as one HTML file, atomically; it follows the reader's light or dark theme."""
    write_atomically(path, render_html(report).encode("utf-8"))


def render_html(report: Report) -> str:
    """Return the report as an HTML document."""
    body = [_head(report), *(_at(report, k) for k in report.ks)]
    if report.differences:
        body.append(_differences(report))
    if report.slices:
        body.append(_slices(report))
    body.append(_notes(report))
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>Evaluation: {escape(report.protocol)}</title>\n<style>{_STYLE}</style>\n"
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
    return (
        f"<h1>Evaluation: {escape(report.protocol)}</h1>\n<dl>{sizes}</dl>\n"
        '<p class="soft">Every user is answered from a full ranking of all eligible tracks. '
        "Small numbers are bootstrap intervals over users "
        f"({report.parameters.get('level', 0.95):.0%}).</p>\n{skipped}"
    )


def _at(report: Report, k: int) -> str:
    plots = "".join(
        _plot(f"{_METRICS[m]}@{k}", {n: v[f"{m}@{k}"] for n, v in report.systems.items()})
        for m in ("ndcg", "recall")
    )
    rows = [
        [escape(name), *(_cell(metrics[f"{m}@{k}"]) for m in _METRICS)]
        for name, metrics in report.systems.items()
    ]
    table = _table(["system", *(f"{label}@{k}" for label in _METRICS.values())], rows)
    return f'<h2>Lists of {k}</h2>\n<div class="plots">{plots}</div>\n{table}'


def _differences(report: Report) -> str:
    columns = [f"{m}@{k}" for k in report.ks for m in ("ndcg", "recall")]
    rows = [
        [
            f"{escape(d.system)} &minus; {escape(d.baseline)}",
            *(_cell(d.metrics[c], signed=True) for c in columns),
        ]
        for d in report.differences
    ]
    note = '<p class="soft">The same users, compared one by one; bold: the interval excludes zero.'
    return f"<h2>Paired differences</h2>\n{note}</p>\n{_table(['systems', *columns], rows)}"


def _slices(report: Report) -> str:
    metric = f"ndcg@{report.ks[0]}"
    heads = [f"{slice_title(s)}: {s.users:,} users" for s in report.slices]
    rows = [
        [escape(name), *(_cell(s.systems[name][metric]) for s in report.slices)]
        for name in report.systems
    ]
    return f"<h2>{metric} by activity of the user</h2>\n{_table(['system', *heads], rows)}"


def _notes(report: Report) -> str:
    values = json.dumps(dict(report.parameters), indent=2, ensure_ascii=False)
    return f"<h2>Parameters</h2>\n<pre>{escape(values)}</pre>"


def _cell(estimate: Estimate, *, signed: bool = False) -> str:
    form = "+.4f" if signed else ".4f"
    kind = ' class="clear"' if signed and estimate.excludes_zero else ""
    interval = ""
    if estimate.low is not None and estimate.high is not None:
        interval = f"<small>{estimate.low:{form}} to {estimate.high:{form}}</small>"
    return f"<td{kind}>{estimate.mean:{form}}{interval}</td>"


def _table(heads: Iterable[str], rows: Sequence[Sequence[str]]) -> str:
    """Lay out escaped names and ready-made cells."""
    head = "".join(f"<th>{escape(h)}</th>" for h in heads)
    lines = "".join(f"<tr><td>{row[0]}</td>{''.join(row[1:])}</tr>\n" for row in rows)
    return (
        f'<div class="scroll"><table>\n<thead><tr>{head}</tr></thead>\n'
        f"<tbody>\n{lines}</tbody></table></div>"
    )


def _plot(title: str, estimates: Mapping[str, Estimate]) -> str:
    """Draw one bar a system, its interval across the bar's end."""
    left, width, step = 118, 330, 26
    top = max((e.high or e.mean for e in estimates.values()), default=0) or 1
    parts = []
    for i, (name, e) in enumerate(estimates.items()):
        y = 6 + i * step
        kind = "control" if name.endswith("-shuffled") else "bar"
        low, mean, high = (
            width * (e.mean if v is None else v) / top for v in (e.low, e.mean, e.high)
        )
        parts.append(
            f'<text x="{left - 8}" y="{y + 13}" text-anchor="end">{escape(name)}</text>'
            f'<rect class="{kind}" x="{left}" y="{y}" width="{mean:.1f}" height="18" rx="2"/>'
            f'<path class="whisker" fill="none" d="M{left + low:.1f} {y + 9}H{left + high:.1f}'
            f'M{left + low:.1f} {y + 5}v8M{left + high:.1f} {y + 5}v8"/>'
            f'<text x="{left + high + 8:.1f}" y="{y + 13}">{e.mean:.4f}</text>'
        )
    height = 10 + step * len(estimates)
    axis = f'<path class="axis" d="M{left} 0V{height}"/>'
    return (
        f'<figure><figcaption>{escape(title)}</figcaption><svg viewBox="0 0 520 {height}" '
        f'role="img" aria-label="{escape(title)} by system">{axis}{"".join(parts)}</svg></figure>'
    )
