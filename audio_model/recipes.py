"""Named training recipes: each is one small, frozen configuration.

To add one, add an entry to `RECIPES`. A new way to make the two views of a chunk is one function
in `audio_model.views`, a new network one function in `audio_model.network`; nothing else changes.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field

from data.checks import check_choice

if TYPE_CHECKING:
    from audio_model.config import AudioConfig


class Recipe(BaseModel):
    """Everything that decides how an encoder is trained, apart from the sound and the seed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(description="Name of the recipe.")
    architecture: str = Field("article", description="A name in `network.ARCHITECTURES`.")
    views: str = Field("gaussian_noise", description="A name in `views.VIEWS`.")
    noise_std: float = Field(
        0.02, ge=0, description="Standard deviation of the views' noise, chunks scaled to 0..1."
    )
    temperature: float = Field(0.1, gt=0, description="Temperature of InfoNCE.")
    batch_size: int = Field(8, ge=2, description="Chunks a step; each has two views.")
    epochs: int = Field(5, gt=0, description="Passes over all chunks.")
    max_steps: int = Field(4_000, gt=0, description="Training ends after so many steps.")
    learning_rate: float = Field(1e-3, gt=0, description="Step size of Adam.")


RECIPES: Mapping[str, Recipe] = MappingProxyType({"article": Recipe(name="article")})
"""The recipes by name. `article`: three convolution blocks, Adam at 1e-3, InfoNCE at temperature
0.1 over batches of 8 chunks, each seen twice through Gaussian noise."""


def check_recipe(name: str) -> None:
    """Raise `ParameterError`, naming the known recipes, unless `name` is one of them."""
    check_choice("recipe", name, RECIPES.keys())


def resolve_recipe(config: AudioConfig) -> Recipe:
    """Return the recipe that `config` names, with the overrides of `config` applied.

    Raises
    ------
    ParameterError
        If there is no such recipe.
    """
    check_recipe(config.recipe)
    overrides = {"epochs": config.epochs, "batch_size": config.batch_size}
    overrides["max_steps"] = config.max_steps
    given = {name: value for name, value in overrides.items() if value is not None}
    return RECIPES[config.recipe].model_copy(update=given)
