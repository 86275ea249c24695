"""What all benchmarks share: two sides run in turn, and one table of ratios.

The sides run A B A B in one run, so that a slow minute of the machine hits both. The ratio of
each neighbouring pair is taken, and the median of these is reported with the lowest and the
highest: that of the two medians would mix a slow minute of one side with a fast one of the other.
Below 1 the measured side is faster (or smaller) than its reference.
"""

from __future__ import annotations

import gc
import os
import platform
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

_SCALES = {
    "s": ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs")),
    "B": ((2.0**20, "MiB"), (2.0**10, "KiB")),
}
_HEADER = ("benchmark", "measured", "reference", "ratio", "min..max", "limit")


@dataclass(frozen=True)
class Result:
    """One line of the table.

    Attributes
    ----------
    name : str
        What is measured / what it is compared with.
    measured, reference : sequence of float
        One figure a round each, of the same length.
    limit : str
        What the ratio (or, if it says so, the measured time) should keep; "-" where no limit is
        set.
    unit : {"s", "B"}
        Seconds or bytes.
    rows : int
        Rows handled in one run, where a rate means something; 0 elsewhere.
    """

    name: str
    measured: Sequence[float]
    reference: Sequence[float]
    limit: str = "-"
    unit: str = "s"
    rows: int = 0

    @property
    def ratios(self) -> list[float]:
        """The ratio of each pair of neighbours."""
        return [a / b for a, b in zip(self.measured, self.reference, strict=True)]

    def document(self) -> dict[str, Any]:
        """Return everything as JSON values."""
        return {
            "name": self.name,
            "unit": self.unit,
            "measured": list(self.measured),
            "reference": list(self.reference),
            "measured_median": median(self.measured),
            "reference_median": median(self.reference),
            "ratio": median(self.ratios),
            "ratio_min": min(self.ratios),
            "ratio_max": max(self.ratios),
            "limit": self.limit,
            "rows": self.rows,
        }

    def cells(self) -> tuple[str, ...]:
        """Return the line of the table."""
        ratios = self.ratios
        return (
            self.name,
            self._shown(median(self.measured)),
            self._shown(median(self.reference)),
            f"{median(ratios):.2f}x",
            f"{min(ratios):.2f}..{max(ratios):.2f}",
            self.limit,
        )

    def _shown(self, value: float) -> str:
        scales = _SCALES[self.unit]
        size, unit = next((s for s in scales if value >= s[0]), scales[-1])
        rate = f" ({self.rows / value:,.0f} rows/s)" if self.rows and value else ""
        return f"{value / size:.3g} {unit}{rate}"


def interleave(
    *sides: Callable[[], object], rounds: int, number: int = 1, warm: bool = True
) -> list[list[float]]:
    """Time several sides in turn.

    Parameters
    ----------
    *sides : callable
        What is measured, then its references; without arguments.
    rounds : int
        How often each is timed.
    number : int
        Calls in one timing; the mean of them is kept. For what takes less than a millisecond.
    warm : bool
        Whether each runs once before, untimed.

    Returns
    -------
    list of list of float
        Seconds of one call, a list a side, a figure a round.
    """
    found = [[_timed(side, number) for side in sides] for _ in range(rounds + warm)]
    return [list(times) for times in zip(*found[warm:], strict=True)]


def _timed(side: Callable[[], object], number: int) -> float:
    gc.collect()  # what the other side left behind is not this side's
    start = time.perf_counter()
    for _ in range(number):
        side()
    return (time.perf_counter() - start) / number


def table(results: Sequence[Result]) -> str:
    """Return the results as aligned text."""
    lines = [_HEADER, *(result.cells() for result in results)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if at in (0, 5) else cell.rjust(width)
            for at, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def document(results: Sequence[Result], *, seconds: float) -> dict[str, Any]:
    """Return a whole run as JSON values."""
    return {
        "python": platform.python_version(),
        "machine": platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "seconds": seconds,
        "results": [result.document() for result in results],
    }
