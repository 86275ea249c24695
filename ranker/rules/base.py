"""What every rule can say: its name, where it counts, and when."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, model_validator

from ranker.rules.where import Names, RuleModel

MAX_PLACES = 1_000
"""The longest answer, and so the last position that a rule can name."""


def _moment(value: Any) -> datetime:
    """Read a time or a day as TOML or JSON have them; UTC where it has no zone."""
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime.combine(value, time())
    try:
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise ValueError("must be an ISO time such as 2026-12-24T18:00:00Z") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


Moment = Annotated[datetime, BeforeValidator(_moment)]
Places = Annotated[int, Field(ge=1, le=MAX_PLACES)]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


class RuleBase(RuleModel):
    """What every rule can say."""

    name: str = Field("", max_length=100, description="By default its kind and number.")
    placements: Names | None = Field(
        None, description="Only for answers of one of these placements; by default for all."
    )
    from_: Moment | None = Field(
        None, alias="from", description="In force from this time on; UTC where it has no zone."
    )
    until: Moment | None = Field(None, description="In force before this time.")

    @model_validator(mode="after")
    def _is_ever_in_force(self) -> RuleBase:
        if self.from_ is not None and self.until is not None and self.from_ >= self.until:
            raise ValueError("must have a `from` before its `until`")
        return self

    def in_force(self, placement: str | None, at: datetime) -> bool:
        """Return whether the rule counts for a placement at a time (with a zone)."""
        placed = self.placements is None or placement in self.placements
        begun = self.from_ is None or self.from_ <= at
        return placed and begun and (self.until is None or at < self.until)
