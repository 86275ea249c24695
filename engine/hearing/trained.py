"""Encoders that a measurement makes itself: untrained ones, and recipes trained in folds."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from audio_model.cache import MelCache
from audio_model.config import AudioConfig
from audio_model.keras_encoder import KerasEncoder
from audio_model.kin import Kin
from audio_model.recipes import resolve_recipe
from audio_model.training import train_encoder
from engine.hearing.gallery import Gallery, Progress, mel_key
from engine.hearing.held_out import Fold, Plan
from engine.hearing.systems import Part, encoder_system, hear_gallery

UNTRAINED = "untrained"
TUNED = "tuned"
"""The pretrained encoder, trained on from its weights, as `segue train audio` does."""

_OVERRIDES = (
    "epochs",
    "batch_size",
    "max_steps",
    "max_seconds",
    "checkpoint_seconds",
    "seed",
    "kin_weight",
)
_OF_THE_HOME = (*_OVERRIDES, "threads", "min_duration", "max_duration")


def recipe_config(name: str, config: AudioConfig) -> AudioConfig:
    """Return the settings by which a recipe is trained: those of the home, if it is its recipe."""
    return config if name == config.recipe else config.for_recipe(name)


def tuning_config(start: KerasEncoder, config: AudioConfig) -> AudioConfig:
    """Return the settings by which an encoder is trained on: its own, and the home's overrides."""
    return start.config.model_copy(update={name: getattr(config, name) for name in _OF_THE_HOME})


def untrained_encoders(configs: Sequence[AudioConfig]) -> dict[str, KerasEncoder]:
    """Return each network that the configurations train, with its initial weights, by name."""
    networks: dict[object, AudioConfig] = {}
    for config in configs:
        architecture = resolve_recipe(config).architecture
        networks.setdefault((architecture, mel_key(config), config.chunk_frames), config)
    if len(networks) == 1:
        return {UNTRAINED: KerasEncoder.untrained(next(iter(networks.values())))}
    encoders: dict[str, KerasEncoder] = {}
    for config in networks.values():
        name = f"{UNTRAINED} {resolve_recipe(config).architecture}"
        alike = sum(other.startswith(name) for other in encoders)
        encoders[f"{name} {alike + 1}" if alike else name] = KerasEncoder.untrained(config)
    return encoders


@dataclass(frozen=True)
class Workshop:
    """Where recipes are trained.

    Attributes
    ----------
    gallery : Gallery
        Holds the spectrograms of every configuration that is trained.
    plan : Plan
        Who is asked for by which fold.
    cache, work : Path
        Directories of spectrograms and of checkpoints.
    progress : callable
        Told (done, total, what).
    kin : Kin, optional
        Which tracks of the gallery belong together.
    """

    gallery: Gallery
    plan: Plan
    cache: Path
    work: Path
    progress: Progress
    kin: Kin | None = None

    def train(
        self, name: str, config: AudioConfig, *, start: KerasEncoder | None = None
    ) -> tuple[list[Part], list[dict[str, float]]]:
        """Train a recipe anew for each fold, on the tracks of artists that it does not ask for.

        Training that was killed goes on from its checkpoint.

        Parameters
        ----------
        name : str
            Of the system.
        config : AudioConfig
            Names the recipe.
        start : KerasEncoder, optional
            Whose weights each training starts from; by default it starts from scratch.

        Returns
        -------
        parts : list of Part
            One a fold.
        told : list of dict
            Tracks and artists that each was trained on, and the seconds it took in this run.
        """
        parts, told = [], []
        for number, fold in enumerate(self.plan.folds, start=1):
            label = name if len(self.plan.folds) == 1 else f"{name}, fold {number}"
            began = time.monotonic()
            encoder = self._fit(
                fold, config, start=start, label=label, checkpoints=f"{name}-{number}"
            )
            seconds = time.monotonic() - began
            system = encoder_system(name, encoder)
            vectors = hear_gallery(system, self.gallery, self.progress, label=label)
            parts.append(Part(fold.asked, system, vectors))
            artists = len(set(self.plan.artists[fold.train].tolist()))
            told.append({"tracks": len(fold.train), "artists": artists, "seconds": seconds})
        return parts, told

    def _fit(
        self,
        fold: Fold,
        config: AudioConfig,
        *,
        start: KerasEncoder | None,
        label: str,
        checkpoints: str,
    ) -> KerasEncoder:
        return train_encoder(
            [self.gallery.paths[i] for i in fold.train],
            config,
            kin=None if self.kin is None else self.kin.take(fold.train),
            start=start,
            checkpoint_dir=self.work / checkpoints,
            cache=MelCache(self.cache, config),
            progress=lambda done, total, what: self.progress(done, total, f"{label}: {what}"),
        )
