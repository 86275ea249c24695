"""Named training recipes: each is one small, frozen configuration.

To add one, add an entry to `RECIPES`. A new way to make the two views of a chunk is one function
in `audio_model.views`, a new network one function in `audio_model.network`; nothing else changes.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

from pydantic import AliasChoices, BaseModel, ConfigDict, Field

from data.checks import check_choice

if TYPE_CHECKING:
    from audio_model.config import AudioConfig


_KIN_WEIGHT = AliasChoices("kin_weight", "artist_weight")  # what older files call it


class Augmentation(BaseModel):
    """How much a crop is changed before the network hears it; nothing by default.

    Changes that a listener would shrug off, so that the network listens for what is left.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    stretch: float = Field(0.0, ge=0, lt=1, description="Tempo changes by up to a factor e^this.")
    pitch_bands: float = Field(0.0, ge=0, description="Mel bands that pitch moves by, up or down.")
    mix: float = Field(0.0, ge=0, le=1, description="Share of crops with another track behind.")
    mix_db: tuple[float, float] = Field((10.0, 25.0), description="How much softer that is, dB.")
    equalise: float = Field(0.0, ge=0, le=1, description="Share of crops with a tone control.")
    equalise_db: float = Field(6.0, ge=0, description="Each of its 3 to 5 knobs moves so far, dB.")
    gain_db: tuple[float, float] = Field((0.0, 0.0), description="Level, dB; clipped at 0.")
    masks: int = Field(0, ge=0, description="Bands and spans that are masked, of either kind.")
    mask_bands: int = Field(20, ge=1, description="Width of a masked band, mel bands, below this.")
    mask_share: float = Field(1 / 6, gt=0, lt=1, description="Same of a span, share of a chunk.")


class Tuning(BaseModel):
    """What is different when training starts from the weights of an encoder."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_steps: int | None = Field(None, gt=0, description="Ends after so many; None: as ever.")
    rate: float = Field(1.0, gt=0, le=1, description="Share of the learning rate.")
    kin_weight: float = Field(
        0.0, ge=0, lt=1, validation_alias=_KIN_WEIGHT, description="Instead of the recipe's."
    )
    share: float = Field(1.0, gt=0, le=1, description="Likewise.")


class Recipe(BaseModel):
    """Everything that decides how an encoder is trained, apart from the sound and the seed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(description="Name of the recipe.")
    architecture: str = Field("article", description="A name in `network.ARCHITECTURES`.")
    chunk_frames: int = Field(129, ge=8, description="Frames of a chunk, unless configured.")
    views: str = Field("gaussian_noise", description="A name in `views.VIEWS`.")
    sampling: Literal["chunks", "tracks"] = Field(
        "chunks", description="What an epoch holds once: each chunk, or each track."
    )
    noise_std: float = Field(
        0.02, ge=0, description="Standard deviation of the views' noise, chunks scaled to 0..1."
    )
    augmentation: Augmentation = Field(Augmentation(), description="Of the view `crops`.")
    loss: Literal["info_nce", "nt_xent"] = Field("info_nce", description="See `audio_model.loss`.")
    kin_weight: float = Field(
        0.0,
        ge=0,
        lt=1,
        validation_alias=_KIN_WEIGHT,
        description="Share of the loss for finding the tracks that belong together.",
    )
    temperature: float = Field(0.1, gt=0, description="Temperature of the loss.")
    head: bool = Field(False, description="Train through a projection head, then drop it.")
    batch_size: int = Field(8, ge=2, description="Chunks or tracks a step; each has two views.")
    epochs: int = Field(5, gt=0, description="Passes over all chunks or tracks.")
    max_steps: int = Field(4_000, gt=0, description="Training ends after so many steps.")
    learning_rate: float = Field(1e-3, gt=0, description="Step size of Adam, at its highest.")
    schedule: Literal["constant", "cosine"] = Field(
        "constant", description="Whether the step size rises and falls."
    )
    weight_decay: float = Field(0.0, ge=0, description="Of AdamW; 0: Adam.")
    mixed_precision: bool = Field(
        False, description="bfloat16 where the processor computes it; weights stay float32."
    )
    whitening: float = Field(
        0.0, ge=0, le=1, description="Embeddings are whitened at the end, variance ** -(this / 2)."
    )
    share: float = Field(
        1.0,
        gt=0,
        le=1,
        description="Share of the new weights in the mean with those that training started from.",
    )
    tuning: Tuning = Field(Tuning(), description="When training starts from an encoder.")

    def for_tuning(self) -> Recipe:
        """Return the recipe as it is for a training that starts from an encoder."""
        update = {
            "max_steps": self.tuning.max_steps or self.max_steps,
            "learning_rate": self.tuning.rate * self.learning_rate,
            "kin_weight": self.tuning.kin_weight,
            "share": self.tuning.share,
        }
        return self.model_copy(update=update)


CROPS = Recipe(
    name="crops",
    architecture="tdnn",
    chunk_frames=216,
    views="crops",
    sampling="tracks",
    augmentation=Augmentation(
        stretch=0.18,
        pitch_bands=3,
        mix=0.3,
        equalise=0.5,
        gain_db=(-6, 3),
        masks=2,
    ),
    loss="nt_xent",
    head=True,
    batch_size=64,
    epochs=1_000,
    max_steps=2_000,
    learning_rate=2e-3,
    schedule="cosine",
    weight_decay=0.02,
    mixed_precision=True,
    whitening=0.8,
    tuning=Tuning(max_steps=300, rate=0.25, kin_weight=0.5, share=0.5),
)

RECIPES: Mapping[str, Recipe] = MappingProxyType(
    {"crops": CROPS, "article": Recipe(name="article")}
)
"""The recipes by name.

`crops`, the default: two crops of a track, each changed in its own way, are the same; a time-delay
network, all crops of 64 tracks against one another. What each part is worth stands in
docs/audio-model.md. `article`, the baseline: three convolution blocks, Adam at 1e-3, InfoNCE at
temperature 0.1 over batches of 8 chunks, each seen twice through Gaussian noise."""


def check_recipe(name: str) -> None:
    """Raise `ParameterError`, naming the known recipes, unless `name` is one of them."""
    check_choice("recipe", name, RECIPES.keys())


def resolve_recipe(config: AudioConfig, *, tuning: bool = False) -> Recipe:
    """Return the recipe that `config` names, with the overrides of `config` applied.

    With `tuning`, as it is for a training that starts from an encoder.

    Raises
    ------
    ParameterError
        If there is no such recipe.
    """
    check_recipe(config.recipe)
    names = ("epochs", "batch_size", "max_steps", "kin_weight")
    given = {name: getattr(config, name) for name in names if getattr(config, name) is not None}
    recipe = RECIPES[config.recipe]
    return (recipe.for_tuning() if tuning else recipe).model_copy(update=given)
