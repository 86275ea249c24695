"""Settings of the engine, and all rooms' settings together."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from audio_model.config import AudioConfig
from cf_model.config import CFConfig
from cf_model.prior.config import PriorConfig
from data.config import DataConfig
from engine.experiments.config import Experiment, check_names
from engine.impressions.config import ImpressionsConfig
from engine.taste.config import TasteConfig
from ranker.config import RankerConfig
from ranker.learning import LearningConfig
from ranker.rules import Rules


class EngineConfig(BaseModel):
    """How models are put together and served."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    embeddings: Literal["auto", "imported", "encoder"] = Field(
        "auto",
        description="Whose track embeddings a bundle holds: those a team imported, those of the "
        "audio encoder, or (auto) the imported ones where there are any.",
    )
    neighbours: int = Field(
        20,
        gt=0,
        description="How many of the most similar-sounding played tracks stand in for a track "
        "that nobody has played, when its likely listeners are asked for.",
    )
    tune_seconds: int = Field(
        120,
        ge=0,
        description="Seconds that the first training of a home searches settings of ALS; 0: none.",
    )
    gate: Literal["slices", "faults"] = Field(
        "slices",
        description="What keeps a new bundle from being published: that it is broken or has lost "
        "much (faults), or also that it serves some users or tracks significantly worse than the "
        "current one (slices).",
    )
    gate_loss: float = Field(
        0.5,
        ge=0,
        le=1,
        description="Share of the tracks, embeddings, users or plays of the current bundle that a "
        "new one may lack and still be published; 1: any.",
    )
    keep_bundles: int = Field(
        5, ge=2, description="How many bundles a training keeps; older ones are deleted."
    )


class Sections(BaseModel):
    """The settings of every room that the engine runs, one section a room."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    data: DataConfig = Field(default_factory=DataConfig)
    audio: AudioConfig = Field(default_factory=AudioConfig)
    cf: CFConfig = Field(default_factory=CFConfig)
    ranker: RankerConfig = Field(default_factory=RankerConfig)
    learning: LearningConfig = Field(default_factory=LearningConfig)
    engine: EngineConfig = Field(default_factory=EngineConfig)
    taste: TasteConfig = Field(default_factory=TasteConfig)
    prior: PriorConfig = Field(default_factory=PriorConfig)
    rules: Rules = Field((), description="Rules on what is answered, and where it stands.")
    impressions: ImpressionsConfig = Field(default_factory=ImpressionsConfig)
    experiments: Annotated[tuple[Experiment, ...], AfterValidator(check_names)] = ()
