"""From ranked lists to estimates: means, paired differences, slices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np
import numpy.typing as npt

from engine.evaluation.bootstrap import Estimate, intervals
from engine.evaluation.metrics import Ranked, names, of_all, per_user
from engine.evaluation.report import Difference, Slice

Values = Mapping[str, npt.NDArray[np.float64]]
"""Per-user measures of each system, each of shape (m, number of measures)."""

ACTIVITY = ("light", "medium", "heavy")


class Summary:
    """Estimates from the answers of several systems to the same users.

    Parameters
    ----------
    answers : mapping of str to Ranked
    ks : sequence of int
        Lengths of lists.
    eligible : int
        Number of eligible tracks.
    resamples, level, seed
        See `bootstrap.intervals`.
    """

    def __init__(
        self,
        answers: Mapping[str, Ranked],
        ks: Sequence[int],
        *,
        eligible: int,
        resamples: int = 1000,
        level: float = 0.95,
        seed: int = 0,
    ) -> None:
        self._columns = names(ks)
        self._values: Values = {name: per_user(ranked, ks) for name, ranked in answers.items()}
        self._of_all = {
            name: of_all(ranked, ks, eligible=eligible) for name, ranked in answers.items()
        }
        self._intervals = partial(intervals, resamples=resamples, level=level, seed=seed)

    def systems(self) -> dict[str, dict[str, Estimate]]:
        """Return every measure of every system; those of all lists together have no interval."""
        found = self._estimates(self._values)
        for name, values in self._of_all.items():
            found[name].update({metric: Estimate(value) for metric, value in values.items()})
        return found

    def differences(self, pairs: Sequence[tuple[str, str]]) -> tuple[Difference, ...]:
        """Compare the first system of each pair with the second, user by user."""
        apart = {f"{one} {other}": self._values[one] - self._values[other] for one, other in pairs}
        found = self._estimates(apart).values()
        return tuple(Difference(*pair, metrics) for pair, metrics in zip(pairs, found, strict=True))

    def slices(self, known: npt.NDArray[np.int64]) -> tuple[Slice, ...]:
        """Return the results by thirds of the users' number of known tracks, shape (m,).

        Users with equal numbers stay together, so that thirds may differ in size, and one that
        has no user is left out.
        """
        bounds = np.quantile(known, [1 / 3, 2 / 3])
        third = np.searchsorted(bounds, known, side="left")
        parts = []
        for index, name in enumerate(ACTIVITY):
            users = np.flatnonzero(third == index)
            if users.size:
                values = {system: v[users] for system, v in self._values.items()}
                span = (int(known[users].min()), int(known[users].max()))
                parts.append(Slice(name, users.size, span, self._estimates(values)))
        return tuple(parts)

    def _estimates(self, values: Values) -> dict[str, dict[str, Estimate]]:
        if not values:
            return {}
        width = len(self._columns)
        found = self._intervals(np.column_stack(list(values.values())))
        return {
            name: dict(zip(self._columns, found[i * width : (i + 1) * width], strict=True))
            for i, name in enumerate(values)
        }
