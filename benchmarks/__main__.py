"""`python -m benchmarks [NAME ...] [--json FILE]`: run the benchmarks and print one table.

Worker processes that a benchmark starts import this module again, so it imports nothing heavy.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from benchmarks import NAMES
from benchmarks.harness import Result, document, table


def main(arguments: Sequence[str] | None = None) -> None:
    """Run all benchmarks, or those that are named."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join(NAMES)}")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures to FILE")
    given = parser.parse_args(arguments)
    unknown = set(given.names) - set(NAMES)
    if unknown:
        parser.error(f"There is no benchmark {min(unknown)!r}; there are {', '.join(NAMES)}.")
    start = time.perf_counter()
    results: list[Result] = []
    for name in given.names or NAMES:
        began = time.perf_counter()
        results += import_module(f"benchmarks.{name}").run()
        print(f"{name}: {time.perf_counter() - began:.0f} s", file=sys.stderr, flush=True)
    seconds = time.perf_counter() - start
    print(table(results))
    if given.json:
        text = json.dumps(document(results, seconds=seconds), indent=2)
        given.json.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
