from __future__ import annotations

import json
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from engine.bootstrap import Estimate
from engine.evaluation.beyond import OF_ALL, OF_LISTS
from engine.evaluation.metrics import ACCURACY
from engine.evaluation.page import render_html, write_html
from engine.evaluation.report import p_value, render_text, text_table
from engine.evaluation.results import Difference, Report, Slice
from engine.evaluation.significance import Test

PER_USER = (*ACCURACY, *OF_LISTS)


def metrics(mean: float) -> dict[str, Estimate]:
    found = {
        f"{m}@{k}": Estimate(mean, mean - 0.01, mean + 0.02) for k in (5, 10) for m in PER_USER
    }
    return found | {f"{m}@{k}": Estimate(mean / 2) for k in (5, 10) for m in OF_ALL}


def difference(pair: tuple[str, str], estimate: Estimate, p: float) -> Difference:
    names = [f"{m}@{k}" for k in (5, 10) for m in PER_USER]
    return Difference(*pair, dict.fromkeys(names, estimate), dict.fromkeys(names, Test(p / 2, p)))


CLEAR = Estimate(0.05, 0.04, 0.06)
UNCLEAR = Estimate(-0.1, -0.3, 0.1)


@pytest.fixture
def report() -> Report:
    systems = {"als": metrics(0.2), "fusion": metrics(0.25), "audio-shuffled": metrics(0.02)}
    differences = (
        difference(("fusion", "als"), CLEAR, 0.0004),
        difference(("audio-shuffled", "als"), UNCLEAR, 0.25),
    )
    bare = tuple(replace(d, tests={}) for d in differences)
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
        differences=differences,
        slices=(
            Slice("activity", "light", 600, 900, (1, 4), systems, bare),
            Slice("activity", "heavy", 500, 800, (9, 9), systems, bare),
            Slice("popularity", "cold", 70, 75, (0, 0), systems, bare),
        ),
        baseline="als",
    )


def test_a_report_survives_json(report: Report) -> None:
    assert json.loads(json.dumps(report.as_dict(), allow_nan=False)) == report.as_dict()
    found = report.as_dict()
    assert found["baseline"] == "als"
    assert found["systems"]["fusion"]["ndcg@5"] == {"mean": 0.25, "low": 0.24, "high": 0.27}
    assert found["systems"]["als"]["coverage@10"] == {"mean": 0.1, "low": None, "high": None}
    assert found["differences"][0]["metrics"]["ndcg@5"] == {
        "mean": 0.05, "low": 0.04, "high": 0.06, "p": 0.0002, "p_holm": 0.0004,
    }  # fmt: skip
    assert found["slices"][0]["span"] == [1, 4]
    assert found["slices"][2]["by"] == "popularity"
    assert found["slices"][2]["differences"][0]["metrics"]["ndcg@5"] == {
        "mean": 0.05, "low": 0.04, "high": 0.06,
    }  # fmt: skip


def test_a_test_says_what_is_clear_and_without_one_the_interval_does() -> None:
    found = difference(("a", "b"), CLEAR, 0.06)
    assert not found.is_clear("ndcg@5")
    assert found.is_clear("ndcg@5", level=0.9)
    assert replace(found, tests={}).is_clear("ndcg@5")


def test_the_text_is_tables(report: Report) -> None:
    text = render_text(report)
    lines = text.splitlines()
    assert lines[:2] == [
        "Protocol random: 1,892 users, 13,000 held-out tracks to find among 17,632 eligible.",
        "Learnt from 52,000 rows. 3 users without a history are left out.",
    ]
    assert lines[3].split() == ["lists", "of", "5", "ndcg", "recall", "mrr", "map", "hit_rate"]
    row = "0.2500 [0.2400, 0.2700]"
    assert lines[6] == f"fusion          {row}  {row}  0.2500  0.2500  0.2500"
    assert "coverage@5  gini@5  novelty@5  artist@5  diversity@5" in text
    assert "fusion - als          +0.0500 [+0.0400, +0.0600]  <.001 *" in text
    assert "audio-shuffled - als  -0.1000 [-0.3000, +0.1000]  0.250   " in text
    assert "ndcg@5 by activity  light             heavy\n" in text
    assert "\n                    1-4 known tracks  9 known tracks\n" in text
    assert "\n                    600 users         500 users\n" in text
    assert "\nfusion              0.2500 ±0.0150    0.2500 ±0.0150\n" in text
    assert lines[-1] == "audio was skipped: no <sound> & no track"


def test_the_text_of_many_systems_keeps_its_width(report: Report) -> None:
    names = [f"a-system-of-name-{i:02}" for i in range(16)]
    systems = {name: metrics(0.1 + i / 100) for i, name in enumerate(names)}
    many = replace(
        report,
        systems=systems,
        differences=tuple(difference((name, "als"), CLEAR, 0.01) for name in names),
        slices=tuple(
            Slice("popularity", name, 1000, 2000, (100, 1234), systems)
            for name in ("cold", "tail", "mid", "head")
        ),
    )
    lines = render_text(many).splitlines()
    assert max(map(len, lines)) <= 105
    assert sum(line.startswith("a-system-of-name-15") for line in lines) == 5


def test_a_report_without_embeddings_has_no_diversity(report: Report) -> None:
    def silent(found: dict[str, Estimate]) -> dict[str, Estimate]:
        return {n: e for n, e in found.items() if not n.startswith("diversity")}

    systems = {name: silent(dict(found)) for name, found in report.systems.items()}
    told = replace(report, systems=systems)
    assert "diversity" not in render_text(told)
    assert "nDCG and acoustic diversity" in render_html(report)
    assert "nDCG and acoustic diversity" not in render_html(told)


def test_p_values_are_rounded_but_never_to_zero() -> None:
    assert [p_value(p) for p in (0.00099, 0.001, 0.04961, 1.0)] == [
        "<.001", "0.001", "0.050", "1.000",
    ]  # fmt: skip


def test_a_table_may_have_several_headings() -> None:
    rows = [["a", "bb"], ["", "c"], ["1", "2"]]
    assert text_table(rows, headings=2) == "a  bb\n   c\n-  --\n1  2"


class _Page(HTMLParser):
    VOID = ("meta", "path", "rect", "circle")

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
    # Bars: two measures at two k, three slices; two forests; four of what accuracy costs.
    assert page.seen.count("svg") == 4 + 3 + 2 + 4
    assert page.seen.count("rect") == (4 + 3) * 3
    assert page.seen.count("circle") == 1 * 2 + 2 * 2 + 4 * 2 - 2
    assert page.seen.count("table") == 2 + 2 + 2 + 2
    assert "script" not in page.seen
    assert [p.name for p in tmp_path.iterdir()] == ["report.html"]


def test_the_page_escapes_what_it_is_given(report: Report) -> None:
    page = _Page(render_html(report))
    assert "b" not in page.seen
    assert "sound" not in page.seen
    joined = "".join(page.texts)
    assert "audio was skipped: no <sound> & no track" in joined
    assert "<b>&amp;</b>" in joined


def test_a_difference_is_coloured_by_its_corrected_p_value(report: Report) -> None:
    text = render_html(report)
    assert '<td class="clear up">+0.0500<small>+0.0400 to +0.0600</small>' in text
    assert "<small>p &lt;.001</small>" in text
    assert "<td>-0.1000<small>-0.3000 to +0.1000</small><small>p 0.250</small></td>" in text
    assert '<span class="up">▲</span> 0.2500' in text  # in a slice, by the interval
    assert "▼</span>" not in text


def test_the_page_says_who_is_best_and_by_how_much(report: Report) -> None:
    assert (
        "Highest nDCG@5: <strong>fusion</strong>, 0.2500; +0.0500 over als (p &lt;.001)."
        in render_html(report)
    )
    best = replace(report, systems={"als": metrics(0.2)}, differences=(), slices=())
    assert "<strong>als</strong>, 0.2000." in render_html(best)


def test_a_report_of_zeros_has_a_page() -> None:
    nothing = {f"{m}@3": Estimate(0.0, 0.0, 0.0) for m in PER_USER}
    nothing |= {f"{m}@3": Estimate(0.0) for m in OF_ALL}
    sizes = {"users": 2, "train_plays": 1, "targets": 2, "eligible_tracks": 3}
    report = Report("random", (3,), sizes, {}, {"als": nothing})
    assert 'width="0.0"' in render_html(report)
    assert "difference" not in render_text(report)
