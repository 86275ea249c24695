"""The benchmarks can be run: none is run here, since they take minutes."""

import json
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import benchmarks
from benchmarks import harness, marks, plot
from benchmarks.__main__ import main
from engine.evaluation.slices import ALONE


@pytest.mark.parametrize("name", benchmarks.NAMES)
def test_every_benchmark_says_what_it_measures_and_can_be_run(name: str) -> None:
    module = import_module(f"benchmarks.{name}")
    assert module.__doc__ is not None
    assert "Measured:" in module.__doc__
    assert "Reference" in module.__doc__
    assert "imit" in module.__doc__
    assert callable(module.run)


def test_every_module_is_a_benchmark_or_shared() -> None:
    shared = {"__init__", "__main__", "harness", "marks", "plot", "servers", "sounds", "synthetic"}
    folder = Path(benchmarks.__file__).parent
    assert {path.stem for path in folder.glob("*.py")} == shared | set(benchmarks.NAMES)


def test_sides_run_in_turn_and_the_first_turn_is_not_counted() -> None:
    calls: list[str] = []
    found = harness.interleave(
        lambda: calls.append("a"), lambda: calls.append("b"), rounds=2, number=3
    )
    assert "".join(calls) == "aaabbb" * 3
    assert [len(times) for times in found] == [2, 2]
    assert all(seconds > 0 for times in found for seconds in times)


def test_without_a_warm_turn_every_turn_counts() -> None:
    calls: list[str] = []
    sides = [lambda: calls.append("a"), lambda: calls.append("b"), lambda: calls.append("c")]
    found = harness.interleave(*sides, rounds=2, warm=False)
    assert "".join(calls) == "abcabc"
    assert [len(times) for times in found] == [2, 2, 2]


RESULT = harness.Result("a / b", [0.003, 0.001, 0.008], [0.001, 0.002, 0.002], limit="<= 1.10x")


def test_the_ratio_is_the_median_of_pairs_not_that_of_medians() -> None:
    assert RESULT.ratios == pytest.approx([3.0, 0.5, 4.0])
    document = RESULT.document()
    assert document["ratio"] == pytest.approx(3.0)  # the medians are 3 ms and 2 ms: 1.5
    assert (document["ratio_min"], document["ratio_max"]) == pytest.approx((0.5, 4.0))
    assert RESULT.cells() == ("a / b", "3 ms", "2 ms", "3.00x", "0.50..4.00", "<= 1.10x")


def test_rates_and_bytes_are_shown_in_their_units() -> None:
    rate = harness.Result("r", [2.0], [0.5], rows=1_000)
    assert rate.cells()[1:3] == ("2 s (500 rows/s)", "500 ms (2,000 rows/s)")
    size = harness.Result("m", [3 * 2**20], [512.0], unit="B")
    assert size.cells()[1:3] == ("3 MiB", "0.5 KiB")
    assert harness.Result("f", [25e-6], [1e-9]).cells()[1:3] == ("25 µs", "0.001 µs")


def test_the_table_is_aligned() -> None:
    header, line = harness.table([RESULT]).splitlines()
    assert header.split() == ["benchmark", "measured", "reference", "ratio", "min..max", "limit"]
    assert header.index("limit") == line.index("<= 1.10x")


@pytest.fixture
def trivial(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put one benchmark that takes no time in the place of all others."""
    module = ModuleType("benchmarks.trivial")
    module.run = lambda: [  # type: ignore[attr-defined]
        harness.Result("sums", *harness.interleave(lambda: sum(range(99)), int, rounds=3))
    ]
    monkeypatch.setitem(sys.modules, "benchmarks.trivial", module)
    monkeypatch.setattr("benchmarks.__main__.NAMES", ("trivial",))


@pytest.mark.usefixtures("trivial")
def test_a_run_prints_one_table_and_writes_all_figures(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["--json", str(tmp_path / "figures.json")])
    printed = capsys.readouterr()
    assert [line.split()[0] for line in printed.out.splitlines()] == ["benchmark", "sums"]
    assert printed.err.startswith("trivial: ")
    figures = json.loads((tmp_path / "figures.json").read_text())
    assert figures["cores"] >= 1
    assert [len(r["measured"]) for r in figures["results"]] == [3]


@pytest.mark.usefixtures("trivial")
def test_a_benchmark_that_is_not_there_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["trivial", "als"])
    assert "There is no benchmark 'als'; there are trivial." in capsys.readouterr().err


def test_costs_are_drawn_against_the_size_of_the_catalogue(tmp_path: Path) -> None:
    names = [
        "answer, 1,000 tracks / two products",
        "answer, 10,000 tracks / two products",
        "als / x",
    ]
    results = [
        {"name": name, "measured_median": 0.001 * (i + 1), "reference_median": 0.0005}
        for i, name in enumerate(names)
    ]
    assert plot.series(results) == {
        "answer": [(1_000, pytest.approx(1.0)), (10_000, pytest.approx(2.0))],
        "two products": [(1_000, pytest.approx(0.5)), (10_000, pytest.approx(0.5))],
    }
    figures, picture = tmp_path / "figures.json", tmp_path / "cost.png"
    figures.write_text(json.dumps({"results": results}), "utf-8")
    plot.main([str(figures), "--out", str(picture)])
    assert picture.read_bytes().startswith(b"\x89PNG")
    figures.write_text(json.dumps({"results": results[2:]}), "utf-8")
    with pytest.raises(SystemExit):
        plot.main([str(figures), "--out", str(picture)])


def evaluation(
    *, protocol: str = "random", shuffled: float = 0.01, **gains: tuple[float, float]
) -> dict[str, Any]:
    """Make a report of a blend of .2; `gains` are intervals of its difference to others."""
    intervals = {"als": (0.01, 0.03), "fusion": (0.005, 0.02), "fusion-plain": (0.02, 0.08)}
    intervals |= {"audio": (0.1, 0.2)} | gains
    means = {"als": 0.18, "fusion": 0.19, "fusion-plain": 0.15, "audio": 0.05, "blend": 0.2}
    means["blend-shuffled"] = shuffled

    def apart(name: str, low: float, high: float) -> dict[str, Any]:
        told = {"mean": (low + high) / 2, "low": low, "high": high}
        return {"system": "blend", "baseline": name, "metrics": {"ndcg@10": told}}

    differences = [apart(name, *bounds) for name, bounds in intervals.items()]
    return {
        "protocol": protocol,
        "ks": [10],
        "sizes": {"users": 1_234},
        "systems": {
            name: {"ndcg@10": {"mean": mean, "low": mean - 0.01, "high": mean + 0.01}}
            for name, mean in means.items()
        },
        "skipped": {},
        "notes": {"blend": "rank fusion blends: it is no better"},
        "differences": [*differences, apart("blend-shuffled", 0.1, 0.2)],
        "slices": [{"by": "popularity", "name": "tail", "differences": differences}],
    }


def met(report: dict[str, Any]) -> dict[str, bool]:
    return {mark.asked: mark.met for mark in marks.quality_marks(report)}


class TestMarks:
    def test_each_is_met_where_the_whole_interval_says_so(self) -> None:
        assert met(evaluation()) == {
            "better than `als`": True,
            "5% better than `fusion-plain`": True,  # a third
            "5% better than `fusion`": True,  # 5.3%
            "in no slice clearly worse than a signal alone": True,
        }
        assert not met(evaluation(als=(-0.001, 0.03)))["better than `als`"]
        assert not met(evaluation(fusion=(-0.001, 0.03)))["5% better than `fusion`"]

    def test_a_clear_gain_below_five_percent_is_a_miss(self) -> None:
        report = evaluation()
        report["systems"]["fusion"]["ndcg@10"]["mean"] = 0.195
        assert not met(report)["5% better than `fusion`"]

    def test_a_slice_where_a_signal_is_clearly_better_is_named(self) -> None:
        (told,) = marks.quality_marks(evaluation(audio=(-0.2, -0.1)))[-1:]
        assert (told.found, told.met) == ("popularity tail: `audio`", False)
        assert marks.quality_marks(evaluation(fusion=(-0.2, -0.1)))[-1].met  # it is no signal

    def test_of_many_comparisons_one_that_is_clear_by_itself_is_chance(self) -> None:
        report = evaluation()
        (tail,) = report["slices"]
        barely = evaluation(audio=(-0.2, -0.01))["slices"][0]  # 2.2 standard errors: p .0303
        report["slices"] = [barely, *[tail] * 6]
        told = marks.quality_marks(report)[-1]
        assert told.met
        assert told.found == (
            "in none of 7 (one by one, but not among 14 comparisons: "
            "popularity tail: `audio`, p 0.424)"
        )

    def test_slices_of_popularity_are_asked_each_alone_and_among_all_tracks(self) -> None:
        report = evaluation()
        (tail,) = report["slices"]
        lost = evaluation(audio=(-0.2, -0.1))["slices"][0]
        report["slices"] = [lost, {**tail, "by": ALONE}, {**tail, "by": "activity"}]
        alone, among_all = marks.quality_marks(report)[-2:]
        assert (alone.found, alone.met) == ("in none of 2", True)
        assert among_all.asked.startswith("among all tracks, in no slice of popularity")
        assert (among_all.found, among_all.met) == ("popularity tail: `audio`", False)
        report["slices"] = [tail, {**lost, "by": ALONE}]
        alone, among_all = marks.quality_marks(report)[-2:]
        assert (alone.found, alone.met) == (f"{ALONE} tail: `audio`", False)
        assert among_all.met

    def test_cold_artists_are_about_sound(self) -> None:
        found = met(evaluation(protocol="cold-artist"))
        assert "better than `als`" not in found
        assert found["better than `audio`"]
        assert found["with shuffled sound nothing is won"]
        left = met(evaluation(protocol="cold-artist", shuffled=0.06))
        assert not left["with shuffled sound nothing is won"]  # more than sound alone has

    def test_without_a_blend_there_is_nothing_to_say(self) -> None:
        report = evaluation()
        del report["systems"]["blend"]
        report["skipped"]["blend"] = "too few plays"
        assert marks.quality_marks(report) == [
            marks.Mark("there is a blend", "too few plays", False)
        ]

    def test_the_report_shows_figures_marks_and_limits(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def run(command: list[str], **_: object) -> None:
            assert command[1:-2] == ["--home", "some home", "evaluate"]
            Path(command[-1]).write_text(json.dumps(evaluation()))

        monkeypatch.setattr("benchmarks.marks.subprocess.run", run)
        monkeypatch.setattr("benchmarks.recommendation.run", lambda: [RESULT])
        out = tmp_path / "marks.md"
        marks.main(["--out", str(out), "--run", "Some", "--home 'some home' evaluate"])
        text = out.read_text("utf-8")
        for line in (
            "## Some",
            "`segue --home 'some home' evaluate`: 1,234 users.",
            "| blend | 0.2000 [0.1900, 0.2100] |",
            "- blend: rank fusion blends: it is no better",
            "| better than `als` | +0.0200 [+0.0100, +0.0300] | met |",
            "| a / b: <= 1.10x | 3.00x | **missed** |",
        ):
            assert line in text.splitlines()

    def test_a_report_that_cannot_be_written_is_refused_before_the_work(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        with pytest.raises(SystemExit):
            marks.main(["--out", str(tmp_path), "--run", "Some", "evaluate"])
        assert "is no file in a folder that exists" in capsys.readouterr().err
