"""Settings of the models that an evaluation trains on plays."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from cf_model import CFConfig
from data.interactions import Interactions

Choose = Callable[[Interactions], "Models"]
"""Chooses settings by the training part of an evaluation, which is all that it is given."""


@dataclass(frozen=True)
class Models:
    """What is trained, and how.

    Attributes
    ----------
    cf : CFConfig
        Of `als`.
    plain : CFConfig, optional
        Of `als-plain`, which has one penalty for all; without it, that system is left out.
    penalty : float, optional
        Of `ease`; without it, that system is left out.
    walk : tuple of float
        `user_power` and `popularity` of `neighbours`.
    """

    cf: CFConfig
    plain: CFConfig | None = None
    penalty: float | None = None
    walk: tuple[float, float] = (1.0, 0.0)

    def as_dict(self) -> dict[str, Any]:
        """Return everything that was chosen, JSON-able."""
        found = asdict(self)
        found["cf"] = self.cf.model_dump(mode="json")
        found["plain"] = None if self.plain is None else self.plain.model_dump(mode="json")
        return found
