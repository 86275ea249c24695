"""Who is compared."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import scipy.sparse as sp

from audio_model.config import AudioConfig
from audio_model.keras_encoder import KerasEncoder
from audio_model.recipes import check_recipe
from data.checks import check_choice
from data.errors import ParameterError
from engine.hearing.entrants import PRETRAINED, Entrant, read_entrants
from engine.hearing.gallery import standard
from engine.hearing.systems import (
    BASELINE,
    RANDOM,
    System,
    encoder_system,
    mfcc_system,
    random_system,
)
from engine.hearing.trained import (
    TUNED,
    UNTRAINED,
    recipe_config,
    tuning_config,
    untrained_encoders,
)

SYSTEMS = (RANDOM, BASELINE, UNTRAINED, PRETRAINED)
"""The systems that need no training; `BASELINE` is always among those compared."""


@dataclass(frozen=True)
class HearingSettings:
    """What a measurement may vary, beside the settings of the sound.

    Attributes
    ----------
    systems : tuple of str
        Of `SYSTEMS`; by default all.
    encoders : tuple of Path
        Directories of trained encoders to compare.
    train : tuple of str
        What to train on artists that are not asked for: recipes, from scratch, and `TUNED`, which
        brings along the encoder that it starts from.
    start : Path, optional
        Directory of the encoder that `TUNED` starts from; by default it is the pretrained one.
    folds : int
        See `engine.hearing.held_out.hold_out`; without effect unless something is trained.
    test_fraction : float
        Likewise.
    changed : int
        Tracks whose robustness is measured; 0 for none.
    seed : int
        Of the split, sample, ties and resamples. The seed of training is `AudioConfig.seed`.
    resamples : int
        Bootstrap resamples.
    together : csr_matrix of bool, shape (n_tracks, n_tracks), optional
        Which tracks of the catalogue the same people play, for what is trained on that.

    Raises
    ------
    ParameterError
        If a system or a recipe is unknown, a number is out of range, or `start` is given and
        nothing starts from it.
    """

    systems: tuple[str, ...] = ()
    encoders: tuple[Path, ...] = ()
    train: tuple[str, ...] = ()
    start: Path | None = None
    folds: int = 1
    test_fraction: float = 0.4
    changed: int = 60
    seed: int = 0
    resamples: int = 1000
    together: sp.csr_matrix | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        for name in self.systems:
            check_choice("system", name, SYSTEMS)
        for name in self.train:
            if name != TUNED:
                check_recipe(name)
        if self.start is not None and TUNED not in self.train:
            raise ParameterError(
                f"`start` is where {TUNED!r} starts from, which `train` does not name. "
                f"Received: {self.train!r}."
            )
        if self.changed < 0:
            raise ParameterError(f"`changed` must not be negative. Received: {self.changed!r}.")


@dataclass(frozen=True)
class LineUp:
    """The systems of one measurement.

    Attributes
    ----------
    names : tuple of str
        Of `SYSTEMS`.
    entrants : tuple of Entrant
        The pretrained encoder among them, if it takes part.
    recipes : mapping of str to AudioConfig
        What is trained.
    starts : mapping of str to KerasEncoder
        Where that does not start from scratch.
    config : AudioConfig
        The settings of the home.
    absent : mapping of str to str
        Systems that do not take part after all, and why.
    """

    names: tuple[str, ...]
    entrants: tuple[Entrant, ...]
    recipes: Mapping[str, AudioConfig]
    starts: Mapping[str, KerasEncoder]
    config: AudioConfig
    absent: Mapping[str, str]

    @classmethod
    def of(cls, settings: HearingSettings, config: AudioConfig) -> LineUp:
        """Load the encoders that the settings name; `BundleError` if one cannot be."""
        names = settings.systems or SYSTEMS
        start = settings.start
        if TUNED in settings.train and start is None and PRETRAINED not in names:
            names = (*names, PRETRAINED)
        directories = (*(() if start is None else (start,)), *settings.encoders)
        taken = {*SYSTEMS, *settings.train}
        found = read_entrants(directories, pretrained=PRETRAINED in names, taken=taken)
        recipes = {name: recipe_config(name, config) for name in settings.train if name != TUNED}
        starts = {}
        if TUNED in settings.train:
            # The pretrained encoder comes first, if it takes part, and then `start`.
            first = 1 if start is not None and PRETRAINED in names else 0
            starts[TUNED] = found[first].encoder
            recipes[TUNED] = tuning_config(starts[TUNED], config)
        return cls(names, tuple(found), recipes, starts, config, {})

    def without_pretrained(self, why: str) -> LineUp:
        """Return the same systems but for the pretrained encoder."""
        rest = tuple(entrant for entrant in self.entrants if entrant.name != PRETRAINED)
        return replace(self, entrants=rest, absent={**self.absent, PRETRAINED: why})

    @property
    def networks(self) -> list[AudioConfig]:
        """The settings of all networks; the home's own, if no network takes part otherwise."""
        used = [*(entrant.encoder.config for entrant in self.entrants), *self.recipes.values()]
        return used or [recipe_config(self.config.recipe, self.config)]

    @property
    def configs(self) -> list[AudioConfig]:
        """The settings of all spectrograms that are needed, those of the baseline first."""
        return [standard(self.config), *self.networks]

    def systems(self, seed: int) -> Iterator[System]:
        """Yield the systems that need no training, weakest first."""
        base = standard(self.config)
        if RANDOM in self.names:
            yield random_system(base, seed)
        yield mfcc_system(base)
        if UNTRAINED in self.names:
            for name, encoder in untrained_encoders(self.networks).items():
                yield encoder_system(name, encoder)
        for entrant in self.entrants:
            yield encoder_system(entrant.name, entrant.encoder)

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader must know of the entrants."""
        return tuple(
            f"nothing says whose music {entrant.name} heard in training, so it may know the "
            "artists that it is asked about; its figures then say nothing of others."
            for entrant in self.entrants
            if entrant.heard is None
        )
