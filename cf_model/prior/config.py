"""Settings of the content prior."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class PriorConfig(BaseModel):
    """How embeddings predict factors, and how soon plays outweigh the prediction."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    landmarks: int = Field(
        1024,
        ge=8,
        le=4096,
        description="Tracks that stand for all others where sounds are compared.",
    )
    folds: int = Field(
        5, ge=2, le=20, description="Parts of the cross-validation that sets the penalty."
    )
    strength: float = Field(
        1.0,
        ge=0,
        description="How strongly the factor of a played track is held near the one that its "
        "sound predicts, in multiples of the penalty that holds it near zero in training. 0 leaves "
        "it as trained.",
    )
