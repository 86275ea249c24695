"""Settings of the blend."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from ranker.rules.base import MAX_PLACES

_MAX_QUOTA = 100_000


def _quota(what: str) -> Any:
    about = f"Candidates by {what}; 0 for none, by default `quota`."
    return Field(None, ge=0, le=_MAX_QUOTA, description=about)


def _weight(default: float, what: str) -> Any:
    about = f"Weight of {what} in rank fusion."
    return Field(default, ge=0, le=1_000, allow_inf_nan=False, description=about)


class RankerConfig(BaseModel):
    """How candidates of the signals are blended, and what the rules do when nothing is asked."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    blend: Literal["learned", "fusion"] = Field(
        "learned",
        description="How candidates are blended: by the learned ranker, where a bundle has one "
        "that won on its validation part, or always by rank fusion.",
    )
    quota: int = Field(
        200,
        ge=1,
        le=_MAX_QUOTA,
        description="Candidates that each retriever proposes, if not told otherwise.",
    )
    quota_cf: int | None = _quota("factors of behaviour")
    quota_neighbours: int | None = _quota("item neighbours")
    quota_audio: int | None = _quota("centres of taste in sound")
    quota_seeds: int | None = _quota("the sound of the last plays")
    quota_cold: int | None = _quota("predicted factors of tracks that nobody has played")
    quota_popular: int | None = _quota("popularity")
    quota_trending: int | None = _quota("growing popularity")
    quota_new: int | None = _quota("days of release")
    rrf_k: float = Field(
        10.0,
        gt=0,
        le=1_000_000,
        allow_inf_nan=False,
        description="Constant of rank fusion: the higher, the less the first ranks win.",
    )
    weight_cf: float = _weight(1.0, "behaviour")
    weight_audio: float = _weight(0.3, "sound")
    weight_popular: float = _weight(0.1, "popularity")
    weight_neighbours: float = _weight(0.0, "item neighbours")
    weight_seeds: float = _weight(0.0, "the sound of the last plays")
    weight_cold: float = _weight(0.0, "predicted factors")
    weight_trending: float = _weight(0.0, "growing popularity")
    weight_new: float = _weight(0.0, "new releases")
    artist_cap: int | None = Field(
        None,
        ge=1,
        le=MAX_PLACES,
        description="Most tracks of one artist in an answer; none by default.",
    )
    diversity: float = Field(
        0.0, ge=0, le=1, description="How much variety in sound counts against relevance."
    )
    explore: float = Field(
        0.0,
        ge=0,
        le=1,
        allow_inf_nan=False,
        description="Share of the slots of an answer that uncertain new tracks are tried in.",
    )
    explore_listeners: int = Field(
        5,
        ge=0,
        le=1_000_000,
        description="A track that at most so many users have played is an uncertain one.",
    )

    def weight(self, source: str) -> float:
        """Return the weight of a source in rank fusion; 1 for one without a setting."""
        return float(getattr(self, f"weight_{source}", 1.0))

    def quota_of(self, source: str) -> int:
        """Return how many candidates a source proposes; 0 where it is turned off."""
        own = getattr(self, f"quota_{source}", None)
        return self.quota if own is None else int(own)
