"""Costs against the size of the catalogue, as a picture of what `--json` wrote.

`python -m benchmarks.plot FILE.json --out FILE.png`
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure

_SIZE = re.compile(r"^(.*), ([\d,]+) tracks / (.*)$")


def main(arguments: Sequence[str] | None = None) -> None:
    """Draw every benchmark that was measured at several sizes of a catalogue."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.plot", description=__doc__)
    parser.add_argument("figures", type=Path, metavar="FILE.json", help="what --json wrote")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE.png")
    given = parser.parse_args(arguments)
    found = series(json.loads(given.figures.read_text(encoding="utf-8"))["results"])
    if not found:
        parser.error("The file holds no benchmark of several sizes. Run `recommendation` again.")
    draw(found, given.out)


def series(results: list[dict[str, object]]) -> dict[str, list[tuple[int, float]]]:
    """Return (tracks, milliseconds) by what was measured and by its reference, sizes rising."""
    found: dict[str, list[tuple[int, float]]] = {}
    for result in results:
        match = _SIZE.match(str(result["name"]))
        if match:
            size = int(match[2].replace(",", ""))
            for name, key in ((match[1], "measured_median"), (match[3], "reference_median")):
                found.setdefault(name, []).append((size, 1e3 * float(str(result[key]))))
    return {name: sorted(points) for name, points in found.items() if len(points) > 1}


def draw(lines: dict[str, list[tuple[int, float]]], path: Path) -> None:
    """Draw lines on logarithmic axes."""
    mpl.use("Agg")
    figure = Figure(figsize=(6.4, 4), layout="constrained")
    axes = figure.subplots()
    for name, points in lines.items():
        sizes, times = zip(*points, strict=True)
        axes.plot(sizes, times, marker="o", label=name)
    axes.set(xscale="log", yscale="log", xlabel="tracks", ylabel="milliseconds on one core")
    axes.grid(visible=True, which="both", alpha=0.3)
    axes.legend()
    figure.savefig(path, dpi=110)


if __name__ == "__main__":
    main()
