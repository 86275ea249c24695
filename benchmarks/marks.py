"""`python -m benchmarks.marks`: what the blend is asked to reach, in one report.

    python -m benchmarks.marks --out marks.md \\
        --run "HetRec, random" "--home hetrec evaluate --protocol random --test-fraction 0.1" \\
        --run "HetRec, cold artists" "--home hetrec evaluate --protocol cold-artist"

Each `--run` has a title and the words behind `segue` of an evaluation, which is run. Behind them
comes the benchmark `recommendation`, unless `--no-speed` says otherwise. The report, Markdown,
has the figures of each with their intervals, and says of each mark whether it is met:

- better than ALS alone, and by 5% than rank fusion, over all users: than the textbook's, and than
  the one that Segue serves, whose weights were chosen on data like these;
- on cold artists better than the audio profile alone, of which shuffled sound must lose the gain;
- in no slice clearly worse than a signal alone: slices of popularity ranked each by itself, and
  among all tracks, where a list that puts unknown tracks first for everybody finds more of them;
- the limits of the benchmark.

Clear is what a paired 95% bootstrap interval over users says: all of it lies on one side of 0. Of
the slices there are many, and of twenty comparisons without any difference one would be taken for
clear: there, p-values are corrected by Holm's procedure for all comparisons of the mark. What is
clear by its own interval alone is named.
"""

from __future__ import annotations

import argparse
import json
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import NormalDist
from typing import Any

import numpy as np

from benchmarks.harness import Result
from engine.bootstrap import Estimate
from engine.evaluation.lineup import TEXTBOOK
from engine.evaluation.report import p_value, with_interval
from engine.evaluation.significance import holm
from engine.evaluation.slices import ALONE

BLEND, SHUFFLED = "blend", "blend-shuffled"
SINGLES = ("als", "als-sound", "audio", "popularity")
OVER_FUSION = 0.05
"""By how much the blend should be better than rank fusion."""

_LEVEL = 0.95  # of intervals, by default
_SHOWN = (*SINGLES, TEXTBOOK, "fusion", BLEND, SHUFFLED)


@dataclass(frozen=True)
class Mark:
    """One thing that is asked for.

    Attributes
    ----------
    asked, found : str
    met : bool
    """

    asked: str
    found: str
    met: bool


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the evaluations and the benchmark, and write the report."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.marks", description=__doc__)
    parser.add_argument(
        "--run", nargs=2, action="append", default=[], metavar=("TITLE", "WORDS"),
        help="an evaluation: its title, and the words behind `segue`",
    )  # fmt: skip
    parser.add_argument("--no-speed", action="store_true", help="leave the benchmark out")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="the report")
    given = parser.parse_args(arguments)
    if given.out.is_dir() or not given.out.parent.is_dir():
        parser.error(f"{str(given.out)!r} is no file in a folder that exists.")
    parts = [_of_run(title, words) for title, words in given.run]
    if not given.no_speed:
        from benchmarks import recommendation

        parts.append(speed_section(recommendation.run()))
    given.out.write_text("\n\n".join(["# The marks of the blend", *parts]) + "\n", "utf-8")
    print(given.out.read_text("utf-8"))


def _of_run(title: str, words: str) -> str:
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "report.json"
        segue = str(Path(sys.executable).with_name("segue"))
        command = [segue, *shlex.split(words), "--json", str(path)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        report = json.loads(path.read_text("utf-8"))
    return quality_section(title, words, report)


def quality_section(title: str, words: str, report: Mapping[str, Any]) -> str:
    """Return the part of the report about one evaluation.

    Parameters
    ----------
    title, words : str
        See `main`.
    report : mapping
        `engine.evaluation.Report.as_dict`.
    """
    metric = f"ndcg@{report['ks'][0]}"
    rows = [
        f"| {name} | {with_interval(_estimate(report['systems'][name][metric]))} |"
        for name in _SHOWN
        if name in report["systems"]
    ]
    notes = [f"- {name}: {note}" for name, note in report["notes"].items() if name in _SHOWN]
    lines = [
        f"## {title}",
        "",
        f"`segue {words}`: {report['sizes']['users']:,} users.",
        "",
        f"| | {metric} |",
        "|---|---|",
        *rows,
        *(["", *notes] if notes else []),
        "",
        *_table(quality_marks(report)),
    ]
    return "\n".join(lines)


def quality_marks(report: Mapping[str, Any]) -> list[Mark]:
    """Say which marks one evaluation meets."""
    metric = f"ndcg@{report['ks'][0]}"
    systems = report["systems"]
    if BLEND not in systems:
        return [Mark("there is a blend", report["skipped"].get(BLEND, "there is none"), met=False)]
    means = {name: systems[name][metric]["mean"] for name in systems}
    apart = _apart(report["differences"], metric)
    cold = report["protocol"] == "cold-artist"
    marks = [] if cold else [_better("als", apart)]
    marks += [_over_fusion(name, means, apart) for name in (TEXTBOOK, "fusion")]
    if cold:
        marks.append(_better("audio", apart))
        if SHUFFLED in systems:
            left = means[SHUFFLED] / means[BLEND] if means[BLEND] else 0.0
            found = (
                f"{left:.0%} of it, {with_interval(_estimate(systems[SHUFFLED][metric]))}, is left"
            )
            met = means[SHUFFLED] < means["audio"] and _clearly_above(apart[SHUFFLED])
            marks.append(Mark("with shuffled sound nothing is won", found, met=met))
    everywhere = [part for part in report["slices"] if part["by"] != "popularity"]
    if not any(part["by"] == ALONE for part in everywhere):  # one slice holds all tracks
        everywhere = report["slices"]
        return [*marks, _in_slices("in no slice", everywhere, metric)]
    among_all = [part for part in report["slices"] if part["by"] == "popularity"]
    return [
        *marks,
        _in_slices("in no slice", everywhere, metric),
        _in_slices("among all tracks, in no slice of popularity", among_all, metric),
    ]


def _better(other: str, apart: Mapping[str, Estimate]) -> Mark:
    found = with_interval(apart[other], signed=True)
    return Mark(f"better than `{other}`", found, met=_clearly_above(apart[other]))


def _over_fusion(fusion: str, means: Mapping[str, float], apart: Mapping[str, Estimate]) -> Mark:
    more = means[BLEND] / means[fusion] - 1 if means[fusion] else 0.0
    found = f"{more:+.1%}, {with_interval(apart[fusion], signed=True)}"
    met = more >= OVER_FUSION and _clearly_above(apart[fusion])
    return Mark(f"{OVER_FUSION:.0%} better than `{fusion}`", found, met=met)


def _in_slices(where: str, parts: Sequence[Mapping[str, Any]], metric: str) -> Mark:
    asked = [
        (f"{part['by']} {part['name']}: `{name}`", apart)
        for part in parts
        for name, apart in _apart(part["differences"], metric).items()
        if name in SINGLES
    ]
    p_values = holm(np.array([_p_value(apart) for _, apart in asked], np.float64))
    pairs = zip(asked, p_values.tolist(), strict=True)
    lower = [(what, p) for (what, apart), p in pairs if apart.high is not None and apart.high < 0]
    worse = [what for what, p in lower if p < 1 - _LEVEL]
    chance = [f"{what}, p {p_value(p)}" for what, p in lower if p >= 1 - _LEVEL]
    found = "; ".join(worse) or f"in none of {len(parts)}"
    if chance:
        found += f" (one by one, but not among {len(asked)} comparisons: {'; '.join(chance)})"
    return Mark(f"{where} clearly worse than a signal alone", found, met=not worse)


def _p_value(difference: Estimate) -> float:
    """Return how likely so large a loss is by chance, two-sided; 1 for a gain.

    The interval is taken for that of a normal distribution.
    """
    if difference.low is None or difference.high is None or difference.mean >= 0:
        return 1.0
    normal = NormalDist()
    error = (difference.high - difference.low) / (2 * normal.inv_cdf((1 + _LEVEL) / 2))
    return 2 * normal.cdf(difference.mean / error) if error else 0.0


def speed_section(results: Sequence[Result]) -> str:
    """Return the part of the report about the benchmark; limits are of ratios."""
    marks = []
    for result in results:
        ratio = float(result.document()["ratio"])
        if result.limit.startswith("<= "):
            most = float(result.limit.removeprefix("<= ").removesuffix("x"))
            marks.append(Mark(f"{result.name}: {result.limit}", f"{ratio:.2f}x", ratio <= most))
    return "\n".join(["## Speed", "", "`python -m benchmarks recommendation`", "", *_table(marks)])


def _apart(differences: Sequence[Mapping[str, Any]], metric: str) -> dict[str, Estimate]:
    """Return by how much the blend differs from each system that it is compared with."""
    return {
        d["baseline"]: _estimate(d["metrics"][metric]) for d in differences if d["system"] == BLEND
    }


def _estimate(told: Mapping[str, float]) -> Estimate:
    return Estimate(told["mean"], told["low"], told["high"])


def _clearly_above(difference: Estimate) -> bool:
    return difference.low is not None and difference.low > 0


def _table(marks: Sequence[Mark]) -> list[str]:
    rows = [f"| {m.asked} | {m.found} | {'met' if m.met else '**missed**'} |" for m in marks]
    return ["| asked for | found | |", "|---|---|---|", *rows]


if __name__ == "__main__":
    main()
