"""Settings of experiments."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_serializer, model_validator

from ranker.config import RankerConfig

_NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"


class Variant(BaseModel):
    """One way to rank, of those that an experiment compares."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=_NAME, description="Name in answers, logs and reports.")
    weight: float = Field(
        1.0,
        gt=0,
        le=1_000_000,
        allow_inf_nan=False,
        description="Its share of the users, relative to others.",
    )
    ranker: RankerConfig = Field(
        default_factory=RankerConfig,
        description="Settings of `[ranker]` that differ; the others are as they are without it.",
    )

    @field_serializer("ranker")
    def _only_what_differs(self, ranker: RankerConfig) -> dict[str, Any]:
        # Whoever reads the settings again must see which were set, and which were not.
        return ranker.model_dump(mode="json", exclude_unset=True)

    def settings(self, base: RankerConfig) -> RankerConfig:
        """Return the settings of the blend that hold in this variant."""
        own = self.ranker.model_dump(exclude_unset=True)
        return RankerConfig.model_validate({**base.model_dump(exclude_unset=True), **own})


class Experiment(BaseModel):
    """Two or more ways to rank, compared by what users listen to."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=_NAME, description="Name in answers, logs and reports.")
    kind: Literal["split", "interleave"] = Field(
        "split",
        description="Whether each user gets one variant (`split`), or each answer is drafted from "
        "two (`interleave`).",
    )
    salt: str | None = Field(
        None,
        description="Text that the assignment is hashed with; by default the name. Another one "
        "deals the users anew.",
    )
    placements: tuple[str, ...] = Field(
        (), description="Only requests with one of these placements take part; by default all."
    )
    variants: tuple[Variant, ...] = Field(
        min_length=2, description="Tables `[[experiments.variants]]`; the first one is the control."
    )

    @model_validator(mode="after")
    def _consistent(self) -> Experiment:
        names = [variant.name for variant in self.variants]
        if len(set(names)) < len(names):
            raise ValueError(f"has two variants of one name ({', '.join(names)})")
        if self.kind == "interleave" and len(names) != 2:
            raise ValueError(f"interleaves two variants; it has {len(names)}")
        if self.kind == "interleave" and len({v.weight for v in self.variants}) > 1:
            raise ValueError("interleaves both variants for every user; leave `weight` out")
        return self


def check_names(experiments: tuple[Experiment, ...]) -> tuple[Experiment, ...]:
    """Raise `ValueError` if two experiments have one name."""
    names = [experiment.name for experiment in experiments]
    if len(set(names)) < len(names):
        raise ValueError(f"has two experiments of one name ({', '.join(names)})")
    return experiments
