"""Settings of the log of what was shown."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

MAX_DAYS = 36_500
"""The longest time that can be asked about, in days: a hundred years."""


class ImpressionsConfig(BaseModel):
    """Which answers are logged, and how long the log is kept."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    log: Literal["auto", "on", "off"] = Field(
        "auto",
        description="Which answers are logged: those of an experiment or with exploration (auto), "
        "all (on), or none (off).",
    )
    keep_days: int = Field(
        90,
        ge=1,
        le=MAX_DAYS,
        description="Days after which impressions are deleted by a running service.",
    )
    queue: int = Field(
        10_000,
        ge=1,
        description="Impressions that one process holds while the database is slow or away; what "
        "comes beyond is dropped, and counted in the service's log.",
    )
    flush_seconds: float = Field(
        1.0, gt=0, le=60, description="Seconds that an impression waits to be written with others."
    )

    def wanted(self, *, experiment: bool, explore: float) -> bool:
        """Return whether an answer is logged."""
        return self.log == "on" or (self.log == "auto" and (experiment or explore > 0))
