"""Settings of everything that hears: decoding, mel-spectrograms, training."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from audio_model.recipes import RECIPES, check_recipe

MEL_FIELDS = ("sr", "n_fft", "hop_length", "n_mels", "top_db", "min_duration", "max_duration")
"""The settings that a mel-spectrogram depends on; a change of one asks for new spectrograms."""


class AudioConfig(BaseModel):
    """How sound becomes mel-spectrogram chunks, and how the encoder is trained on them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sr: int = Field(
        22_050, gt=0, le=192_000, description="Sampling rate everything is resampled to, Hz."
    )
    n_fft: int = Field(2048, ge=16, le=65_536, description="Length of the STFT window, samples.")
    hop_length: int = Field(512, gt=0, description="Samples from one frame to the next.")
    n_mels: int = Field(128, ge=8, le=1024, description="Mel bands.")
    recipe: str = Field("crops", description="Name of the training recipe.")
    chunk_frames: int = Field(
        RECIPES["crops"].chunk_frames,
        ge=8,
        description=(
            "Frames of one chunk, the network's input; default: the recipe's (216: 5.0 s; "
            "`article`: 129)."
        ),
    )
    top_db: float = Field(
        80.0, gt=0, le=200, description="Dynamic range kept, dB: values lie in -top_db..0."
    )
    min_duration: float = Field(
        1.0, gt=0, description="Sound shorter than this is refused, seconds."
    )
    max_duration: float = Field(
        14_400.0,
        gt=0,
        description="Only so much of a longer file is read, from its start, seconds.",
    )
    epochs: int | None = Field(None, gt=0, description="Passes over all chunks; default: recipe's.")
    batch_size: int | None = Field(None, ge=2, description="Chunks a step; default: recipe's.")
    max_steps: int | None = Field(
        None,
        gt=0,
        description="Training ends after so many steps, whatever `epochs` says; default: recipe's.",
    )
    max_seconds: float | None = Field(
        None,
        gt=0,
        description="Training ends after so many seconds of steps; default: no such limit.",
    )
    positives: tuple[Literal["artist", "album", "listeners"], ...] = Field(
        ("artist",),
        description=(
            "What makes two tracks belong together, where the loss asks for it: `artist`, `album` "
            "(of the same artist), `listeners` (the same people play them)."
        ),
    )
    kin_weight: float | None = Field(
        None,
        ge=0,
        lt=1,
        description=(
            "Share of the loss for finding the tracks that belong together; default: the recipe's "
            "(`crops`: 0, and 0.5 when training starts from an encoder)."
        ),
    )
    checkpoint_seconds: float = Field(
        15.0, ge=0, description="A checkpoint is written at least this often; 0: at each step."
    )
    threads: int = Field(0, ge=0, description="Threads of TensorFlow; 0: one for each core.")
    seed: int = Field(0, ge=0, lt=2**31, description="Seed of initial weights, order and noise.")

    @model_validator(mode="before")
    @classmethod
    def _chunks_of_the_recipe(cls, values: Any) -> Any:
        if not isinstance(values, dict) or "chunk_frames" in values:
            return values
        recipe = RECIPES.get(values.get("recipe", cls.model_fields["recipe"].default))
        return values if recipe is None else {**values, "chunk_frames": recipe.chunk_frames}

    @field_validator("recipe")
    @classmethod
    def _known_recipe(cls, name: str) -> str:
        check_recipe(name)
        return name

    @model_validator(mode="after")
    def _consistent(self) -> AudioConfig:
        if self.hop_length > self.n_fft:
            raise ValueError(
                f"`hop_length` must be at most `n_fft` ({self.n_fft}), or samples go unheard. "
                f"Received: {self.hop_length}."
            )
        if self.min_duration > self.max_duration:
            raise ValueError(
                f"`min_duration` must be at most `max_duration` ({self.max_duration:g} s). "
                f"Received: {self.min_duration:g}."
            )
        return self

    def for_recipe(self, name: str) -> AudioConfig:
        """Return these settings with another recipe, and its length of a chunk.

        Raises
        ------
        ParameterError
            If there is no such recipe.
        """
        check_recipe(name)
        frames = RECIPES[name].chunk_frames
        return self.model_copy(update={"recipe": name, "chunk_frames": frames})

    def mel_parameters(self) -> dict[str, float]:
        """Return the settings that a mel-spectrogram depends on (`MEL_FIELDS`), by name."""
        return {name: getattr(self, name) for name in MEL_FIELDS}
