"""Settings of taste in sound."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class TasteConfig(BaseModel):
    """How a user's plays become centres of taste in sound, and how tracks score against them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_centres: int = Field(
        8,
        ge=1,
        description="Most centres of taste in sound of a user; with fewer plays, each is one.",
    )
    temperature: float = Field(
        1.0,
        ge=0.05,
        le=10,
        description="How all centres count for a track: the lower, the more its nearest decides.",
    )
    half_life_days: float | None = Field(
        180.0,
        gt=0,
        description="A play so many days before the user's last one counts half; none for all "
        "alike.",
    )
    whiten: bool = Field(
        True,
        description="Whether sound is compared by centred and whitened embeddings, in which no "
        "few directions drown the others.",
    )
