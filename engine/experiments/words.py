"""Reports of experiments as text for a terminal."""

from __future__ import annotations

from engine.bootstrap import Estimate
from engine.experiments.duel import DuelReport
from engine.experiments.report import MISMATCH, SplitReport


def render(report: SplitReport | DuelReport, *, window_hours: float) -> str:
    """Return a report as text; `window_hours` is how long a listen counted."""
    lines = _duel(report) if isinstance(report, DuelReport) else _split(report)
    head = f"{report.experiment}: listens within {window_hours:g} h of an impression, 95% intervals"
    return "\n".join([head, "", *lines])


def _split(report: SplitReport) -> list[str]:
    head = ["variant", "users", "answers", "impressions", "listens", "per impression", "difference"]
    rows = [
        [
            v.name,
            f"{v.users:,}",
            f"{v.answers:,}",
            f"{v.impressions:,}",
            f"{v.listens:,}",
            _estimate(v.rate),
            _estimate(v.difference, sign="+") if at else "",
        ]
        for at, v in enumerate(report.variants)
    ]
    lines = _columns([head, *rows])
    if report.mismatch is not None:
        words = "fit" if not report.mismatched else f"do NOT fit (below {MISMATCH:g})"
        lines += ["", f"numbers of users {words} the weights: p = {report.mismatch:.3g}"]
    if report.mismatched:
        lines.append("Trust no difference before that is explained.")
    if report.crossed:
        lines.append(f"{report.crossed:,} users were shown more than one variant")
    if report.left_out:
        lines.append(f"{report.left_out:,} interleaved answers of this name are left out")
    return lines


def _duel(report: DuelReport) -> list[str]:
    first, second = report.teams
    head = ["team", "listens", "users who prefer it"]
    rows = [
        [name, f"{listens:,}", f"{wins:,}"]
        for name, listens, wins in zip(report.teams, report.listens, report.wins, strict=True)
    ]
    p_value = "" if report.p_value is None else f", p = {report.p_value:.3g} (sign test)"
    lines = [
        *_columns([head, *rows]),
        "",
        f"{report.users:,} users, {report.answers:,} answers, {report.ties:,} ties",
        f"preference for {second} over {first}: {_estimate(report.preference, sign='+')}{p_value}",
    ]
    if report.left_out:
        lines.append(f"{report.left_out:,} answers of a split of this name are left out")
    return lines


def _estimate(value: Estimate | None, sign: str = "") -> str:
    if value is None:
        return "none"
    text = f"{value.mean:{sign}.4f}"
    if value.low is None or value.high is None:
        return text
    return f"{text} ({value.low:{sign}.4f} to {value.high:{sign}.4f})"


def _columns(rows: list[list[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
