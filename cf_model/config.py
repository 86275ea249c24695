"""Settings of the behavioural signal."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Confidence = Literal["binary", "linear", "log", "bm25"]


class CFConfig(BaseModel):
    """How plays become confidences, and confidences become factors."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    factors: int = Field(64, ge=1, le=4096, description="Width of user and item factors.")
    confidence: Confidence = Field(
        "bm25",
        description="How the confidence of a played pair grows with plays: `binary` (1 + alpha), "
        "`linear` (1 + alpha * plays), `log` (1 + alpha * log(1 + plays)) or `bm25` "
        "(1 + alpha * plays * (bm25_k1 + 1) / (plays + bm25_k1)).",
    )
    alpha: float = Field(
        30.0, gt=0, description="How much plays add to the confidence of a pair, which starts at 1."
    )
    bm25_k1: float = Field(
        1.0,
        gt=0,
        description="With `bm25`: the plays that add half of the most that plays can add.",
    )
    regularization: float = Field(
        0.15,
        gt=0,
        description="L2 penalty on user and item factors, as a share of the scale of the plays, "
        "so that it need not grow with them. From 1 on, all factors may shrink to zero.",
    )
    frequency_power: float = Field(
        0.75,
        ge=0,
        le=2,
        description="The penalty of a user or track grows with this power of its number of played "
        "pairs: 0 is one penalty for all, 1 is proportional to them.",
    )
    iterations: int = Field(15, ge=1, description="Sweeps over users and tracks.")
    threads: int = Field(0, ge=0, description="Threads of training; 0 takes every core.")
    seed: int = Field(0, ge=0, description="Seed of the first, random factors.")
