"""The result of an evaluation, and its JSON and terminal forms."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from data.files import write_atomically
from engine.evaluation.bootstrap import Estimate

Estimates = Mapping[str, Estimate]
"""Estimates by measure, such as "ndcg@10"."""


@dataclass(frozen=True)
class Difference:
    """What a system has over a baseline, the same users compared one by one.

    Attributes
    ----------
    system, baseline : str
    metrics : mapping of str to Estimate
        System minus baseline.
    """

    system: str
    baseline: str
    metrics: Estimates


@dataclass(frozen=True)
class Slice:
    """The results for some of the users.

    Attributes
    ----------
    name : str
        "light", "medium" or "heavy": thirds of the users by number of known tracks.
    users : int
    history : tuple of int
        Least and greatest number of known tracks.
    systems : mapping of str to mapping of str to Estimate
    """

    name: str
    users: int
    history: tuple[int, int]
    systems: Mapping[str, Estimates]


@dataclass(frozen=True)
class Report:
    """What was measured, on what, and how.

    Attributes
    ----------
    protocol : str
    ks : tuple of int
        Lengths of lists, ascending.
    sizes : mapping of str to int
        Users, targets, eligible tracks and so on.
    parameters : mapping
        Everything that the numbers depend on, JSON-able.
    systems : mapping of str to mapping of str to Estimate
    skipped : mapping of str to str
        Systems that could not run, and why.
    differences : tuple of Difference
    slices : tuple of Slice
    """

    protocol: str
    ks: tuple[int, ...]
    sizes: Mapping[str, int]
    parameters: Mapping[str, Any]
    systems: Mapping[str, Estimates]
    skipped: Mapping[str, str] = field(default_factory=dict)
    differences: tuple[Difference, ...] = ()
    slices: tuple[Slice, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return everything as JSON-able values."""
        return {
            "protocol": self.protocol,
            "ks": list(self.ks),
            "sizes": dict(self.sizes),
            "parameters": dict(self.parameters),
            "systems": {name: _as_dict(metrics) for name, metrics in self.systems.items()},
            "skipped": dict(self.skipped),
            "differences": [
                {"system": d.system, "baseline": d.baseline, "metrics": _as_dict(d.metrics)}
                for d in self.differences
            ],
            "slices": [
                {
                    "name": s.name,
                    "users": s.users,
                    "history": list(s.history),
                    "systems": {name: _as_dict(metrics) for name, metrics in s.systems.items()},
                }
                for s in self.slices
            ],
        }


def _as_dict(metrics: Estimates) -> dict[str, dict[str, float | None]]:
    return {name: estimate.as_dict() for name, estimate in metrics.items()}


def write_json(report: Report, path: Path) -> None:
    """Write `Report.as_dict` as JSON, atomically."""
    text = json.dumps(report.as_dict(), indent=2, ensure_ascii=False, allow_nan=False)
    write_atomically(path, (text + "\n").encode("utf-8"))


def render_text(report: Report) -> str:
    """Return the report as tables for a terminal, about 100 columns wide."""
    parts = [_headline(report)]
    for k in report.ks:
        parts.append(_systems_table(report, k))
    if report.differences:
        parts.append(_differences_table(report))
    if report.slices:
        parts.append(_slices_table(report))
    parts += [f"{name} was skipped: {why}" for name, why in report.skipped.items()]
    return "\n\n".join(parts) + "\n"


def _headline(report: Report) -> str:
    sizes = report.sizes
    left_out = sizes.get("users_without_history", 0)
    return (
        f"Protocol {report.protocol}: {sizes['users']:,} users, {sizes['targets']:,} held-out "
        f"tracks to find among {sizes['eligible_tracks']:,} eligible.\n"
        f"Learnt from {sizes['train_plays']:,} rows."
        + (f" {left_out:,} users without a history are left out." if left_out else "")
    )


def _systems_table(report: Report, k: int) -> str:
    wide, narrow = ("ndcg", "recall"), ("mrr", "map", "hit_rate", "coverage")
    rows = [["system", *(f"{metric}@{k}" for metric in (*wide, *narrow))]]
    for name, metrics in report.systems.items():
        intervals = [with_interval(metrics[f"{m}@{k}"]) for m in wide]
        rows.append([name, *intervals, *(f"{metrics[f'{m}@{k}'].mean:.4f}" for m in narrow)])
    return text_table(rows)


def _differences_table(report: Report) -> str:
    k = report.ks[0]
    rows = [["difference", f"ndcg@{k}", f"recall@{k}"]]
    for d in report.differences:
        cells = [with_interval(d.metrics[f"{m}@{k}"], signed=True) for m in ("ndcg", "recall")]
        rows.append([f"{d.system} - {d.baseline}", *cells])
    return text_table(rows) + "\n(* the interval excludes zero)"


def _slices_table(report: Report) -> str:
    metric = f"ndcg@{report.ks[0]}"
    rows = [[f"{metric} by activity", *(slice_title(s) for s in report.slices)]]
    for name in report.systems:
        rows.append([name, *(with_interval(s.systems[name][metric]) for s in report.slices)])
    return text_table(rows)


def slice_title(part: Slice) -> str:
    """Return a heading such as "light (1-4 tracks)"."""
    low, high = part.history
    span = str(low) if low == high else f"{low}-{high}"
    return f"{part.name} ({span} tracks)"


def with_interval(estimate: Estimate, *, signed: bool = False) -> str:
    """Return a number such as "0.1234 [0.1200, 0.1268]"; signed ones are starred if clear."""
    form = "+.4f" if signed else ".4f"
    if estimate.low is None or estimate.high is None:
        return f"{estimate.mean:{form}}"
    star = " *" if signed and estimate.excludes_zero else ""
    bounds = f"[{estimate.low:{form}}, {estimate.high:{form}}]"
    return f"{estimate.mean:{form}} {bounds}{star}"


def text_table(rows: list[list[str]]) -> str:
    """Return rows of cells, the first of them the heading, as an aligned table."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = ["  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)) for row in rows]
    rule = "  ".join("-" * w for w in widths)
    return "\n".join(line.rstrip() for line in [lines[0], rule, *lines[1:]])
