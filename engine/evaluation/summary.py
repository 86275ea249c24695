"""From ranked lists to estimates: means, paired differences and their tests, slices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engine.bootstrap import Estimate, intervals
from engine.evaluation import beyond, metrics
from engine.evaluation.beyond import Background
from engine.evaluation.metrics import Ranked
from engine.evaluation.results import Difference, Slice
from engine.evaluation.significance import Test, holm, sign_flip
from engine.evaluation.slices import Part

FloatMatrix = npt.NDArray[np.float64]
Values = Mapping[str, FloatMatrix]
"""Per-user measures of each system, each of shape (m, number of measures)."""

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
    """Estimates from the answers of several systems to the same users.

    Parameters
    ----------
    answers : mapping of str to Ranked
    ks : sequence of int
        Lengths of lists.
    background : Background
    sampling : Sampling, optional
    """

    def __init__(
        self,
        answers: Mapping[str, Ranked],
        ks: Sequence[int],
        *,
        background: Background,
        sampling: Sampling | None = None,
    ) -> None:
        self._answers, self._ks, self._background = answers, ks, background
        self._sampling = sampling or Sampling()
        self._columns = [*metrics.names(ks), *beyond.names(ks, background)]
        self._values: Values = {
            name: np.hstack([metrics.accuracy(ranked, ks), beyond.of_lists(ranked, ks, background)])
            for name, ranked in answers.items()
        }

    def systems(self) -> dict[str, dict[str, Estimate]]:
        """Return every measure of every system; those of all lists together have no interval."""
        found = self._estimates(self._values, self._columns)
        for name, ranked in self._answers.items():
            whole = beyond.of_all(ranked, self._ks, self._background)
            found[name].update({metric: Estimate(value) for metric, value in whole.items()})
        return found

    def differences(self, pairs: Pairs) -> tuple[Difference, ...]:
        """Compare the first system of each pair with the second, user by user.

        The p-values of one measure are corrected for the number of pairs.
        """
        if not pairs:
            return ()
        apart = np.column_stack([self._values[one] - self._values[two] for one, two in pairs])
        p = sign_flip(apart, flips=self._sampling.flips, seed=self._sampling.seed)
        p = p.reshape(len(pairs), -1)
        found = self._differences(pairs, self._values, self._columns)
        return tuple(
            Difference(d.system, d.baseline, d.metrics, self._tests(raw, corrected))
            for d, raw, corrected in zip(found, p, holm(p), strict=True)
        )

    def slices(
        self,
        parts: Sequence[Part],
        pairs: Pairs,
        *,
        answers: Sequence[Mapping[str, Ranked]] | None = None,
    ) -> tuple[Slice, ...]:
        """Return the results of parts of the test, and the pairs compared in each.

        Parameters
        ----------
        parts : sequence of Part
        pairs : sequence of (str, str)
        answers : sequence of mapping of str to Ranked, optional
            Lists of its own for each part, of all users; by default those of the whole.
        """
        lists = answers or [self._answers] * len(parts)
        return tuple(self._slice(part, pairs, own) for part, own in zip(parts, lists, strict=True))

    def _slice(self, part: Part, pairs: Pairs, answers: Mapping[str, Ranked]) -> Slice:
        if part.tracks is None:
            columns = self._columns
            values = {name: found[part.users] for name, found in self._values.items()}
        else:  # what a list shows does not depend on which targets count: accuracy alone
            columns = metrics.names(self._ks)
            values = {name: self._restricted(ranked, part) for name, ranked in answers.items()}
        return Slice(
            part.by,
            part.name,
            len(part.users),
            int(part.relevant.sum()),
            part.span,
            self._estimates(values, columns),
            self._differences(pairs, values, columns),
        )

    def _restricted(self, ranked: Ranked, part: Part) -> FloatMatrix:
        assert part.tracks is not None, "a part of the targets says which they are"
        kept = metrics.restrict(ranked, part.users, tracks=part.tracks, relevant=part.relevant)
        return metrics.accuracy(kept, self._ks)

    def _differences(
        self, pairs: Pairs, values: Values, columns: Sequence[str]
    ) -> tuple[Difference, ...]:
        apart = {f"{one} {two}": values[one] - values[two] for one, two in pairs}
        found = self._estimates(apart, columns).values()
        return tuple(Difference(*pair, m) for pair, m in zip(pairs, found, strict=True))

    def _tests(self, raw: FloatMatrix, corrected: FloatMatrix) -> dict[str, Test]:
        both = zip(raw.tolist(), corrected.tolist(), strict=True)
        return {name: Test(*p) for name, p in zip(self._columns, both, strict=True)}

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
