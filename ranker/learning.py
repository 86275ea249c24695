"""Settings of the learned ranker."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class LearningConfig(BaseModel):
    """How the trees of the learned ranker are grown."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    users: int = Field(
        3000, ge=20, description="Most users whose candidates the ranker learns from."
    )
    held_out: float = Field(
        0.2,
        gt=0,
        lt=1,
        description="Share of the plays that the ranker learns to foretell.",
    )
    rounds: int = Field(
        2,
        ge=1,
        description="How often plays are held out anew, where they have no times: the more, the "
        "more the ranker learns from, and the longer it takes.",
    )
    line_penalty: float = Field(
        10.0, ge=0, description="Penalty on the weights of the line that the trees start from."
    )
    trees: int = Field(400, ge=1, description="Most trees.")
    patience: int = Field(
        40, ge=1, description="Trees without a gain on other users before training stops."
    )
    learning_rate: float = Field(0.05, gt=0, le=1, description="How much each tree counts.")
    leaves: int = Field(15, ge=2, description="Most leaves of a tree.")
    rows_in_leaf: int = Field(50, ge=1, description="Fewest candidates in a leaf.")
    l2: float = Field(1.0, ge=0, description="Penalty on the values of leaves.")
    feature_fraction: float = Field(
        0.8, gt=0, le=1, description="Share of the features that each tree may use."
    )
    truncation: int = Field(
        30, ge=1, description="Ranks within which a wrong order of two candidates counts."
    )
