"""Which settings are searched, between which bounds, and what is tried first."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import get_args

import numpy as np
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
    distribution_to_json,
)

from cf_model import CFConfig
from data.interactions import Interactions
from engine.tuning.trials import Params

NARROWEST, WIDEST = 16, 1024  # factors
_VALUES = 2**29  # of all factors together: 2 GiB

_RANGES: Mapping[str, BaseDistribution] = {
    "alpha": FloatDistribution(0.5, 500.0, log=True),
    "regularization": FloatDistribution(0.02, 1.0, log=True),
    "frequency_power": FloatDistribution(0.0, 1.0),
    "iterations": IntDistribution(5, 30),
}

SEARCHED = ("factors", "confidence", *_RANGES)
"""Names of the settings of ALS that a search may vary."""

# Found good on plays of artists and on clicks of videos. The settings as they are come first.
_STARTS: tuple[Params, ...] = (
    {"confidence": "log", "alpha": 2.0, "frequency_power": 0.85, "regularization": 0.12},
    {"confidence": "binary", "alpha": 10.0, "frequency_power": 1.0, "regularization": 0.1},
    {"factors": 128, "alpha": 12.0, "frequency_power": 0.25, "regularization": 0.3},
    {"alpha": 100.0, "frequency_power": 0.15, "regularization": 0.45},
)


@dataclass(frozen=True)
class Space:
    """What may be tried.

    Attributes
    ----------
    base : CFConfig
        The settings as they are: the first trial, and the value of all that is not searched.
    distributions : mapping of str to BaseDistribution
        Bounds of each searched setting.
    """

    base: CFConfig
    distributions: Mapping[str, BaseDistribution]

    @classmethod
    def of(cls, base: CFConfig, plays: Interactions) -> Space:
        """Search what `base` leaves at its defaults, within what the plays can bear.

        A setting that was given (`base.model_fields_set`) is fixed. There are no more factors
        than users or tracks with plays, nor than make all factors 2 GiB.

        Parameters
        ----------
        base : CFConfig
        plays : Interactions
            All that will be trained on.
        """
        found: dict[str, BaseDistribution] = {
            "factors": _widths(plays),
            "confidence": CategoricalDistribution(_schemes(base, plays)),
            **_RANGES,
        }
        fixed = given(base)
        free = [n for n in SEARCHED if n not in fixed and not found[n].single()]
        return cls(base, {name: found[name] for name in free})

    @property
    def first(self) -> Params:
        """The settings as they are."""
        return {name: getattr(self.base, name) for name in self.distributions}

    def starts(self) -> list[Params]:
        """Return what is tried before anything is sampled, the settings as they are first."""
        found = [self.first]
        for start in _STARTS:
            if set(start) <= set(self.distributions):
                params = {**self.first, **start}
                if params not in found and self.holds(start):
                    found.append(params)
        return found

    def holds(self, params: Params) -> bool:
        """Return whether all values lie between the bounds."""
        return all(_holds(self.distributions[name], value) for name, value in params.items())

    def up_to(self, factors: int) -> Space:
        """Return the same with no more factors than that."""
        bounds = self.distributions.get("factors")
        if not isinstance(bounds, IntDistribution):
            return self
        high = max(bounds.low, min(factors, bounds.high))
        narrowed = IntDistribution(bounds.low, high, log=True)
        return Space(self.base, {**self.distributions, "factors": narrowed})

    def config(self, params: Params) -> CFConfig:
        """Return the settings of a trial."""
        return CFConfig.model_validate({**self.base.model_dump(), **params})

    def describe(self) -> str:
        """Return everything that the values of trials depend on, beside the plays, as JSON."""
        bounds = {n: json.loads(distribution_to_json(d)) for n, d in self.distributions.items()}
        base = self.base.model_dump(mode="json", exclude={"threads"})
        return json.dumps([bounds, base], sort_keys=True)


def given(config: CFConfig) -> Params:
    """Return the settings that a search must leave alone: those that somebody gave."""
    return {name: getattr(config, name) for name in SEARCHED if name in config.model_fields_set}


def _holds(bounds: BaseDistribution, value: float | str) -> bool:
    if isinstance(bounds, CategoricalDistribution):
        return value in bounds.choices
    assert isinstance(bounds, IntDistribution | FloatDistribution), "there are no other bounds"
    return bounds.low <= float(value) <= bounds.high


def _widths(plays: Interactions) -> IntDistribution:
    matrix = plays.matrix()
    rank = min(int((matrix.getnnz(axis=axis) > 0).sum()) for axis in (0, 1))
    room = _VALUES // max(1, sum(matrix.shape))
    high = max(1, min(WIDEST, rank, room))
    return IntDistribution(min(NARROWEST, high), high, log=True)


def _schemes(base: CFConfig, plays: Interactions) -> tuple[str, ...]:
    schemes = get_args(CFConfig.model_fields["confidence"].annotation)
    counts = plays.matrix().data
    if counts.size and np.ptp(counts) > 0:
        return tuple(schemes)
    return (base.confidence,)  # equal counts have equal confidences by each of them
