"""Which encoder hears for a home: its own, the pretrained one, or one that must be trained."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from audio_model.cache import MelCache
from audio_model.clips import Progress
from audio_model.config import AudioConfig
from audio_model.heard_names import HeardNames, read_heard, write_heard
from audio_model.keras_encoder import KerasEncoder
from audio_model.pretrained import heard, load_pretrained, pretrained_directory
from audio_model.recipes import resolve_recipe
from audio_model.saved import read_description
from audio_model.training import train_encoder
from data.catalog import Catalog
from data.errors import ParameterError
from data.store import Store
from engine.encoders import current_encoder, keep_encoder
from engine.home import Home
from engine.training.kin import LISTENERS, catalog_kin, listened_together

NETWORK_FIELDS = ("recipe", "sr", "n_fft", "hop_length", "n_mels", "top_db", "chunk_frames")
"""The settings that say what a network was made for. The others of a spectrogram, `min_duration`
and `max_duration`, only say how much of a file it hears."""


@dataclass(frozen=True)
class Origin:
    """Where a training starts.

    Attributes
    ----------
    encoder : KerasEncoder or None
        Whose weights it starts from; None for the initial ones of the recipe.
    heard : HeardNames or None
        Whose music that encoder was trained on; None where nothing says so.
    told : str
        What to call the weights.
    """

    encoder: KerasEncoder | None
    heard: HeardNames | None
    told: str

    @classmethod
    def initial(cls) -> Origin:
        """Start from scratch."""
        return cls(None, HeardNames(frozenset(), frozenset()), "initial weights")

    @classmethod
    def pretrained(cls, config: AudioConfig) -> Origin | None:
        """Start from the encoder that Segue ships; None if the settings ask for another one."""
        start = pretrained_start(config)
        return None if start is None else cls(start, heard(), "the pretrained weights")

    @classmethod
    def saved(cls, directory: Path, config: AudioConfig) -> Origin:
        """Start from an encoder in a directory.

        Raises
        ------
        BundleError
            If it is missing or corrupt.
        ParameterError
            If the settings ask for another one.
        """
        differing = differing_settings(directory, config)
        if differing:
            names = ", ".join(f"`audio.{name}`" for name in differing)
            raise ParameterError(
                f"The encoder in {str(directory)!r} was made for other settings: {names}. "
                "Set these as they were, or start from another one."
            )
        encoder = KerasEncoder.load(directory, config)
        return cls(encoder, read_heard(directory), f"the weights in {str(directory)!r}")


def differing_settings(encoder: Path, config: AudioConfig) -> list[str]:
    """Return the settings for which a saved encoder was not made, by name; none if it serves."""
    about = read_description(encoder)
    made_for = about.config.model_copy(update={"recipe": about.recipe.name})
    return [n for n in NETWORK_FIELDS if getattr(made_for, n) != getattr(config, n)]


def fitting_encoder(
    home: Home, config: AudioConfig, *, say: Callable[[str], None] = lambda _: None
) -> KerasEncoder | None:
    """Return the encoder that serves the settings, which is the home's current one from now on.

    It is the home's own, if one was trained and fits, else the pretrained one, if that fits.

    Parameters
    ----------
    home : Home
    config : AudioConfig
        What it must fit, see `NETWORK_FIELDS`.
    say : callable, optional
        Told when the home changes over to the pretrained encoder.

    Returns
    -------
    KerasEncoder or None
        With the settings `config`; None if one has to be trained.
    """
    own = current_encoder(home)
    if own is not None and not differing_settings(own, config):
        return _keep(home, KerasEncoder.load(own, config), read_heard(own))
    start = pretrained_start(config)
    if start is None:
        return None
    say("Hearing with the pretrained encoder. `segue train audio` fits it to your own tracks.")
    return _keep(home, start, heard())


def pretrained_start(config: AudioConfig) -> KerasEncoder | None:
    """Return the pretrained encoder; None if the settings ask for another one."""
    return None if _unlike_pretrained(config) else load_pretrained(config)


def use_pretrained(home: Home, config: AudioConfig) -> KerasEncoder:
    """Make the pretrained encoder the home's current one, whatever was current before.

    Raises
    ------
    ParameterError
        If the settings ask for another one.
    """
    start = pretrained_start(config)
    if start is None:
        raise ParameterError(
            f"{why_to_train(config)} Leave these settings at their defaults to use it."
        )
    return _keep(home, start, heard())


def why_to_train(config: AudioConfig) -> str:
    """Say in a sentence why the pretrained encoder does not serve settings that it does not fit."""
    names = ", ".join(f"`audio.{name}`" for name in _unlike_pretrained(config))
    return f"The pretrained encoder was made for other settings: {names}."


def train_new_encoder(
    home: Home,
    catalog: Catalog,
    config: AudioConfig,
    *,
    store: Store,
    origin: Origin,
    workers: int,
    progress: Progress | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> KerasEncoder:
    """Train an encoder and keep it as the current one; a killed training is continued.

    Bad files are skipped in silence: embedding, which comes next, reports them.

    Parameters
    ----------
    home : Home
    catalog : Catalog
        The tracks; those with sound are trained on.
    config : AudioConfig
    store : Store
        Holds the plays, if `audio.positives` asks for them.
    origin : Origin
        Whose weights the training starts from.
    workers : int
        Processes that decode.
    progress : callable, optional
        Told (done, total, what).
    say : callable, optional
        Told what plays add to training.

    Raises
    ------
    AudioError
        If no file can be used.
    """
    checkpoints = home.work / "encoder"
    paths, artists, albums = (
        catalog.column(name).to_pylist() for name in ("audio_path", "artist", "album")
    )
    sounding = [i for i, path in enumerate(paths) if path]
    if not resolve_recipe(config, tuning=origin.encoder is not None).kin_weight:
        config = _without_listeners(config, say)
    together = listened_together(store, catalog, config, say=say)
    encoder = train_encoder(
        [Path(paths[i]) for i in sounding],
        config,
        checkpoint_dir=checkpoints,
        cache=MelCache(home.mel_cache, config),
        kin=catalog_kin(catalog, np.array(sounding), config, together=together),
        start=origin.encoder,
        workers=workers,
        progress=progress,
    )
    names = None
    if origin.heard is not None:
        names = HeardNames(
            origin.heard.artists | {artists[i] for i in sounding},
            origin.heard.albums | {albums[i] for i in sounding},
        )
    shutil.rmtree(checkpoints, ignore_errors=True)
    return _keep(home, encoder, names)


def _without_listeners(config: AudioConfig, say: Callable[[str], None]) -> AudioConfig:
    """Leave out plays, in a training that does not ask which tracks belong together."""
    if LISTENERS in config.positives:
        say(
            "`audio.positives` names 'listeners' in vain: this training does not ask which tracks "
            "belong together. Set `audio.kin_weight`, or start from an encoder."
        )
    kept = tuple(by for by in config.positives if by != LISTENERS)
    return config.model_copy(update={"positives": kept})


def _unlike_pretrained(config: AudioConfig) -> list[str]:
    return differing_settings(pretrained_directory(), config)


def _keep(home: Home, encoder: KerasEncoder, names: HeardNames | None = None) -> KerasEncoder:
    """Keep an encoder, and whose music it heard where that is known."""

    def save(directory: Path) -> None:
        encoder.save(directory)
        if names is not None:
            write_heard(directory, names.artists, names.albums)

    keep_encoder(home, encoder.fingerprint, save)
    return encoder
