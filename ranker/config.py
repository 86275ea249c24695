"""Settings of the blend."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class RankerConfig(BaseModel):
    """How candidates of the signals are blended, and what the rules do when nothing is asked."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    quota: int = Field(200, ge=1, description="Candidates that each signal proposes.")
    rrf_k: float = Field(
        10.0, gt=0, description="Constant of rank fusion: the higher, the less the first ranks win."
    )
    weight_cf: float = Field(1.0, ge=0, description="Weight of behaviour in rank fusion.")
    weight_audio: float = Field(0.3, ge=0, description="Weight of sound in rank fusion.")
    weight_popular: float = Field(0.1, ge=0, description="Weight of popularity in rank fusion.")
    artist_cap: int | None = Field(
        None, ge=1, description="Most tracks of one artist in an answer; none by default."
    )
    diversity: float = Field(
        0.0, ge=0, le=1, description="How much variety in sound counts against relevance."
    )

    def weight(self, source: str) -> float:
        """Return the weight of a source in rank fusion; 1 for one without a setting."""
        return float(getattr(self, f"weight_{source}", 1.0))
