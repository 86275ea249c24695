"""From values of users to estimates: means, paired differences and their tests, slices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engine.bootstrap import Estimate, intervals
from engine.evaluation.results import Difference, Slice
from engine.evaluation.scores import Scores, Table, Values
from engine.evaluation.significance import Test, holm, sign_flip

FloatMatrix = npt.NDArray[np.float64]
Pairs = Sequence[tuple[str, str]]
"""Which system is compared with which."""


@dataclass(frozen=True)
class Sampling:
    """How chance is reckoned with.

    Attributes
    ----------
    resamples : int
        Bootstrap resamples, for the intervals.
    level : float
        Coverage of the intervals.
    flips : int
        Random flips of signs, for the tests.
    seed : int
    """

    resamples: int = 1000
    level: float = 0.95
    flips: int = 10_000
    seed: int = 0


class Summary:
    """Estimates from what several systems are worth to the same users.

    Parameters
    ----------
    scores : Scores
    sampling : Sampling, optional
    """

    def __init__(self, scores: Scores, *, sampling: Sampling | None = None) -> None:
        self._scores = scores
        self._sampling = sampling or Sampling()

    def systems(self) -> dict[str, dict[str, Estimate]]:
        """Return every measure of every system; those of all lists together have no interval."""
        table = self._scores.table
        found = self._estimates(table.values, table.columns)
        for name, whole in self._scores.of_all.items():
            found[name].update({metric: Estimate(value) for metric, value in whole.items()})
        return found

    def differences(self, pairs: Pairs) -> tuple[Difference, ...]:
        """Compare the first system of each pair with the second, user by user.

        The p-values of one measure are corrected for the number of pairs.
        """
        if not pairs:
            return ()
        table = self._scores.table
        apart = np.column_stack([table.values[one] - table.values[two] for one, two in pairs])
        p = sign_flip(apart, flips=self._sampling.flips, seed=self._sampling.seed)
        p = p.reshape(len(pairs), -1)
        found = self._differences(pairs, table)
        return tuple(
            Difference(d.system, d.baseline, d.metrics, self._tests(raw, corrected))
            for d, raw, corrected in zip(found, p, holm(p), strict=True)
        )

    def slices(self, pairs: Pairs) -> tuple[Slice, ...]:
        """Return the results of the parts of the test, and the pairs compared in each."""
        return tuple(
            Slice(
                part.by,
                part.name,
                len(part.table.users),
                part.targets,
                part.span,
                self._estimates(part.table.values, part.table.columns),
                self._differences(pairs, part.table),
            )
            for part in self._scores.parts
        )

    def _differences(self, pairs: Pairs, table: Table) -> tuple[Difference, ...]:
        apart = {f"{one} {two}": table.values[one] - table.values[two] for one, two in pairs}
        found = self._estimates(apart, table.columns).values()
        return tuple(Difference(*pair, m) for pair, m in zip(pairs, found, strict=True))

    def _tests(self, raw: FloatMatrix, corrected: FloatMatrix) -> dict[str, Test]:
        both = zip(raw.tolist(), corrected.tolist(), strict=True)
        return {name: Test(*p) for name, p in zip(self._scores.table.columns, both, strict=True)}

    def _estimates(self, values: Values, columns: Sequence[str]) -> dict[str, dict[str, Estimate]]:
        if not values:
            return {}
        sampling, width = self._sampling, len(columns)
        found = intervals(
            np.column_stack(list(values.values())),
            resamples=sampling.resamples,
            level=sampling.level,
            seed=sampling.seed,
        )
        return {
            name: dict(zip(columns, found[i * width : (i + 1) * width], strict=True))
            for i, name in enumerate(values)
        }
