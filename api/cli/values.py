"""Values of options that several commands take, within bounds that the work can bear."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import click

from engine.impressions.config import MAX_DAYS

_HOURS_A_DAY = 24


class FiniteRange(click.FloatRange):
    """A range of numbers that holds neither NaN nor infinity, whatever its bounds."""

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Return the number, or fail as other options do."""
        number = float(super().convert(value, param, ctx))
        if not math.isfinite(number):
            self.fail(f"{value} is not a finite number.", param, ctx)
        return number


DAYS = FiniteRange(0, MAX_DAYS, min_open=True)
WHOLE_DAYS = click.IntRange(0, MAX_DAYS)
HOURS = FiniteRange(0, _HOURS_A_DAY * MAX_DAYS, min_open=True)

SEED = click.IntRange(0, 2**32 - 1)
"""What every library that draws takes."""


def seed_option(default: int = 0) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Give a command `--seed`."""
    return click.option("--seed", type=SEED, default=default, show_default=True)
