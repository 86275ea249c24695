from __future__ import annotations

import json
from html.parser import HTMLParser
from pathlib import Path

import pytest

from engine.evaluation.bootstrap import Estimate
from engine.evaluation.metrics import OF_ALL, PER_USER
from engine.evaluation.page import render_html, write_html
from engine.evaluation.report import Difference, Report, Slice, render_text, write_json


def metrics(mean: float) -> dict[str, Estimate]:
    found = {
        f"{m}@{k}": Estimate(mean, mean - 0.01, mean + 0.02) for k in (5, 10) for m in PER_USER
    }
    return found | {f"{m}@{k}": Estimate(0.5) for k in (5, 10) for m in OF_ALL}


@pytest.fixture
def report() -> Report:
    systems = {"als": metrics(0.2), "fusion": metrics(0.25), "audio-shuffled": metrics(0.02)}
    return Report(
        protocol="random",
        ks=(5, 10),
        sizes={
            "users": 1892,
            "users_without_history": 3,
            "train_plays": 52_000,
            "targets": 13_000,
            "eligible_tracks": 17_632,
            "tracks": 17_632,
        },
        parameters={"seed": 0, "level": 0.95, "note": "<b>&amp;</b>"},
        systems=systems,
        skipped={"audio": "no <sound> & no track"},
        differences=(
            Difference("fusion", "als", {k: Estimate(0.05, 0.04, 0.06) for k in metrics(0)}),
            Difference("audio-shuffled", "als", {k: Estimate(-0.1, -0.3, 0.1) for k in metrics(0)}),
        ),
        slices=(Slice("light", 600, (1, 4), systems), Slice("heavy", 500, (9, 9), systems)),
    )


def test_a_report_survives_json(report: Report, tmp_path: Path) -> None:
    write_json(report, tmp_path / "report.json")
    assert json.loads((tmp_path / "report.json").read_text("utf-8")) == report.as_dict()
    found = report.as_dict()
    assert found["systems"]["fusion"]["ndcg@5"] == {"mean": 0.25, "low": 0.24, "high": 0.27}
    assert found["systems"]["als"]["coverage@10"] == {"mean": 0.5, "low": None, "high": None}
    assert found["differences"][0]["baseline"] == "als"
    assert found["slices"][0]["history"] == [1, 4]
    assert [p.name for p in tmp_path.iterdir()] == ["report.json"]


def test_the_text_is_tables(report: Report) -> None:
    lines = render_text(report).splitlines()
    assert lines[:2] == [
        "Protocol random: 1,892 users, 13,000 held-out tracks to find among 17,632 eligible.",
        "Learnt from 52,000 rows. 3 users without a history are left out.",
    ]
    assert lines[3].split() == [
        "system", "ndcg@5", "recall@5", "mrr@5", "map@5", "hit_rate@5", "coverage@5",
    ]  # fmt: skip
    row = "0.2500 [0.2400, 0.2700]"
    assert lines[6] == f"fusion          {row}  {row}  0.2500  0.2500  0.2500      0.5000"
    assert "fusion - als          +0.0500 [+0.0400, +0.0600] *" in "\n".join(lines)
    assert "audio-shuffled - als  -0.1000 [-0.3000, +0.1000]  " in "\n".join(lines)
    assert any(
        line.startswith("ndcg@5 by activity") and line.endswith("heavy (9 tracks)")
        for line in lines
    )
    assert lines[-1] == "audio was skipped: no <sound> & no track"
    assert max(map(len, lines)) <= 110


class _Page(HTMLParser):
    VOID = ("meta", "path", "rect")

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []
        self.links: list[str] = []
        self.texts: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)
        self.links += [v or "" for k, v in attrs if k in ("src", "href", "xlink:href")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def test_the_page_is_well_formed_and_self_contained(report: Report, tmp_path: Path) -> None:
    write_html(report, tmp_path / "report.html")
    text = (tmp_path / "report.html").read_text("utf-8")
    page = _Page(text)
    assert page.open == []
    assert page.links == []
    assert "url(" not in text
    assert "http" not in text
    assert page.seen.count("svg") == 4  # two measures at two k
    assert page.seen.count("rect") == 4 * 3
    assert page.seen.count("table") == 4
    assert "script" not in page.seen
    assert [p.name for p in tmp_path.iterdir()] == ["report.html"]


def test_the_page_escapes_what_it_is_given(report: Report) -> None:
    page = _Page(render_html(report))
    assert "b" not in page.seen
    assert "sound" not in page.seen
    joined = "".join(page.texts)
    assert "audio was skipped: no <sound> & no track" in joined
    assert "<b>&amp;</b>" in joined


def test_bars_are_in_proportion(report: Report) -> None:
    """The longest interval fills the plot, and a bar's length is its mean's share of it."""
    text = render_html(report)
    top, width = 0.27, 330
    for mean in (0.2, 0.25, 0.02):
        assert text.count(f'width="{width * mean / top:.1f}"') == 4


def test_a_report_of_zeros_has_a_page() -> None:
    nothing = {f"{m}@3": Estimate(0.0, 0.0, 0.0) for m in PER_USER} | {"coverage@3": Estimate(0.0)}
    sizes = {"users": 2, "train_plays": 1, "targets": 2, "eligible_tracks": 3}
    report = Report("random", (3,), sizes, {}, {"als": nothing})
    assert 'width="0.0"' in render_html(report)
    assert "difference" not in render_text(report)
