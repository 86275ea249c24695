"""Settings of the behavioural signal."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Confidence = Literal["binary", "linear", "log"]


class CFConfig(BaseModel):
    """How plays become confidences, and confidences become factors."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    factors: int = Field(64, ge=1, le=4096, description="Width of user and item factors.")
    confidence: Confidence = Field(
        "log",
        description="How the confidence of a played pair grows with plays: `binary` (1 + alpha), "
        "`linear` (1 + alpha * plays) or `log` (1 + alpha * log(1 + plays)).",
    )
    alpha: float = Field(
        8.0, gt=0, description="How much plays add to the confidence of a pair, which starts at 1."
    )
    regularization: float = Field(
        0.35,
        gt=0,
        description="L2 penalty on user and item factors, as a share of the scale of the plays, "
        "so that it need not grow with them. From 1 on, all factors may shrink to zero.",
    )
    iterations: int = Field(15, ge=1, description="Sweeps over users and tracks.")
    threads: int = Field(0, ge=0, description="Threads of training; 0 takes every core.")
    seed: int = Field(0, ge=0, description="Seed of the first, random factors.")
