"""The result of an evaluation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.bootstrap import Estimate
from engine.evaluation.significance import Test

Estimates = Mapping[str, Estimate]
"""Estimates by measure, such as "ndcg@10"."""


@dataclass(frozen=True)
class Difference:
    """What a system has over a baseline, the same users compared one by one.

    Attributes
    ----------
    system, baseline : str
    metrics : mapping of str to Estimate
        System minus baseline.
    tests : mapping of str to Test
        By measure; empty where none was made.
    """

    system: str
    baseline: str
    metrics: Estimates
    tests: Mapping[str, Test] = field(default_factory=dict)

    def is_clear(self, metric: str, *, level: float = 0.95) -> bool:
        """Whether the difference is more than chance.

        By the corrected p-value; where no test was made, by whether the interval excludes zero.
        """
        if metric in self.tests:
            return self.tests[metric].p_holm < 1 - level
        return self.metrics[metric].excludes_zero

    def as_dict(self) -> dict[str, Any]:
        """Return everything as JSON-able values."""
        metrics: dict[str, dict[str, float | None]] = _as_dict(self.metrics)
        for name, test in self.tests.items():
            metrics[name] |= {"p": test.p, "p_holm": test.p_holm}
        return {"system": self.system, "baseline": self.baseline, "metrics": metrics}


@dataclass(frozen=True)
class Slice:
    """The results for some of the users, or for some of the targets.

    Attributes
    ----------
    by : str
        "activity" (number of the user's known tracks), "popularity" (of the held-out track) or
        `slices.ALONE` (the same, of lists that hold none but the slice's tracks).
    name : str
        "light", "medium" or "heavy"; "cold", "tail", "mid" or "head".
    users : int
        Users with a target in the slice.
    targets : int
    span : tuple of int
        Least and greatest number of known tracks, or of listeners in the training part.
    systems : mapping of str to mapping of str to Estimate
    differences : tuple of Difference
        The same comparisons as in the whole, with intervals alone.
    """

    by: str
    name: str
    users: int
    targets: int
    span: tuple[int, int]
    systems: Mapping[str, Estimates]
    differences: tuple[Difference, ...] = ()

    def over(self, system: str, baseline: str) -> Difference | None:
        """Return the comparison of two systems, if it was made."""
        pairs = {(d.system, d.baseline): d for d in self.differences}
        return pairs.get((system, baseline))

    def as_dict(self) -> dict[str, Any]:
        """Return everything as JSON-able values."""
        return {
            "by": self.by,
            "name": self.name,
            "users": self.users,
            "targets": self.targets,
            "span": list(self.span),
            "systems": {name: _as_dict(metrics) for name, metrics in self.systems.items()},
            "differences": [difference.as_dict() for difference in self.differences],
        }


@dataclass(frozen=True)
class Report:
    """What was measured, on what, and how.

    Attributes
    ----------
    protocol : str
    ks : tuple of int
        Lengths of lists, ascending.
    sizes : mapping of str to int
        Users, targets, eligible tracks and so on; of several splits as `summarise` says.
    parameters : mapping
        Everything that the numbers depend on, JSON-able.
    systems : mapping of str to mapping of str to Estimate
    skipped : mapping of str to str
        Systems that could not run, and why.
    notes : mapping of str to str
        What else is to be said of a system.
    differences : tuple of Difference
    slices : tuple of Slice
    baseline : str
        What every other system is compared with.
    """

    protocol: str
    ks: tuple[int, ...]
    sizes: Mapping[str, int]
    parameters: Mapping[str, Any]
    systems: Mapping[str, Estimates]
    skipped: Mapping[str, str] = field(default_factory=dict)
    notes: Mapping[str, str] = field(default_factory=dict)
    differences: tuple[Difference, ...] = ()
    slices: tuple[Slice, ...] = ()
    baseline: str = ""

    @property
    def level(self) -> float:
        """Coverage of the intervals, and 1 minus the level of the tests."""
        return float(self.parameters.get("level", 0.95))

    @property
    def repeats(self) -> int:
        """Splits that were measured together."""
        return int(self.parameters.get("repeats", 1))

    def measured(self, metrics: Mapping[str, str] | tuple[str, ...], k: int) -> list[str]:
        """Return those of some measures that the systems have at k, in the order given."""
        found = next(iter(self.systems.values()), {})
        return [metric for metric in metrics if f"{metric}@{k}" in found]

    def slices_by(self) -> dict[str, list[Slice]]:
        """Return the slices by what they cut."""
        found: dict[str, list[Slice]] = {}
        for part in self.slices:
            found.setdefault(part.by, []).append(part)
        return found

    def as_dict(self) -> dict[str, Any]:
        """Return everything as JSON-able values."""
        return {
            "protocol": self.protocol,
            "ks": list(self.ks),
            "sizes": dict(self.sizes),
            "parameters": dict(self.parameters),
            "baseline": self.baseline,
            "systems": {name: _as_dict(metrics) for name, metrics in self.systems.items()},
            "skipped": dict(self.skipped),
            "notes": dict(self.notes),
            "differences": [difference.as_dict() for difference in self.differences],
            "slices": [part.as_dict() for part in self.slices],
        }


def _as_dict(metrics: Estimates) -> dict[str, dict[str, float | None]]:
    return {name: estimate.as_dict() for name, estimate in metrics.items()}
