"""A measurement of hearing from files to report. Importing this loads TensorFlow."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from audio_model.cache import MelCache
from audio_model.clips import Clip, read_clips
from audio_model.config import AudioConfig
from audio_model.keras_encoder import KerasEncoder
from audio_model.recipes import check_recipe, resolve_recipe
from audio_model.training import train_encoder
from data.catalog import Catalog
from data.errors import DataError
from engine.hearing.held_out import MIN_TRACKS, ArtistSplit, split_artists
from engine.hearing.report import HearingReport
from engine.hearing.sections import GENRE_NEIGHBOURS, MIN_ARTISTS, Labels, measure
from engine.hearing.systems import (
    BASELINE,
    CHUNKS,
    Progress,
    Sounds,
    Vectors,
    encoder_vectors,
    mfcc_vectors,
)

BadFile = Callable[[str, Path, str], None]


@dataclass(frozen=True)
class HearingSettings:
    """What a measurement may vary, beside the settings of the sound.

    Attributes
    ----------
    recipes : tuple of str
        Recipes to train and compare; by default the configured one.
    test_fraction : float
        Share of the artists with enough tracks that are held out.
    seed : int
        Of the split, ties and resamples. The seed of training is `AudioConfig.seed`.
    resamples : int
        Bootstrap resamples.
    """

    recipes: tuple[str, ...] = ()
    test_fraction: float = 0.4
    seed: int = 0
    resamples: int = 1000


def evaluate_audio(
    files: Sequence[tuple[str, Path]],
    catalog: Catalog,
    config: AudioConfig,
    *,
    cache: MelCache,
    work: Path,
    settings: HearingSettings | None = None,
    workers: int = 1,
    progress: Progress | None = None,
    on_bad_file: BadFile | None = None,
) -> HearingReport:
    """Compare recipes with MFCCs and the untrained network on artists training never heard.

    Each recipe is trained on the tracks of the other artists. A killed run goes on where it was;
    the checkpoints are deleted at the end.

    Parameters
    ----------
    files : sequence of (str, Path)
        Track ids and their sound. Of tracks of one file, the first counts.
    catalog : Catalog
        Artists, albums and genres of the tracks.
    config : AudioConfig
        Mel settings, overrides and time box of the recipes.
    cache : MelCache
        Holds, or receives, the spectrograms.
    work : Path
        A directory for checkpoints, of this measurement alone.
    settings : HearingSettings, optional
    workers : int
        Processes that decode.
    progress : callable, optional
        Told (done, total, what).
    on_bad_file : callable, optional
        Told (id, path, one-line reason) of each file that cannot be used; it is skipped.

    Returns
    -------
    HearingReport

    Raises
    ------
    ParameterError
        If a recipe is unknown or a number is out of range.
    DataError
        If there are too few artists.
    """
    settings = settings or HearingSettings()
    tell = progress or (lambda *_: None)
    recipes = {
        name: config.model_copy(update={"recipe": name})
        for name in settings.recipes or (config.recipe,)
    }
    for name in recipes:
        check_recipe(name)
    ids, clips = _usable(files, cache, workers=workers, progress=tell, on_bad_file=on_bad_file)
    rows = catalog.tracks.indices(ids)
    names = catalog.column("artist").take(rows).to_pylist()
    split = split_artists(names, fraction=settings.test_fraction, seed=settings.seed)
    sounds = Sounds([clips[i] for i in split.test], cache)
    systems: dict[str, Vectors] = {BASELINE: mfcc_vectors(sounds)}
    for name, own in _untrained(recipes).items():
        systems[name] = encoder_vectors(sounds, KerasEncoder.untrained(own), tell, name=name)
    seconds = {}
    for name, own in recipes.items():
        began = time.monotonic()
        encoder = train_encoder(
            [clips[i].path for i in split.train],
            own,
            checkpoint_dir=work / name,
            cache=cache,
            progress=_of_recipe(name, tell),
        )
        seconds[name] = time.monotonic() - began
        systems[name] = encoder_vectors(sounds, encoder, tell, name=name)
    labels = Labels.of(catalog, rows[split.test], sounds.owners)
    found, skipped = measure(systems, labels, seed=settings.seed, resamples=settings.resamples)
    shutil.rmtree(work, ignore_errors=True)
    sizes = _sizes(split, len(sounds.owners))
    parameters = _parameters(settings, config, recipes)
    return HearingReport(sizes, parameters, seconds, found, skipped)


def _usable(
    files: Sequence[tuple[str, Path]],
    cache: MelCache,
    *,
    workers: int,
    progress: Progress,
    on_bad_file: BadFile | None,
) -> tuple[list[str], list[Clip]]:
    """Return the ids and clips of the usable files, each file once."""
    first: dict[Path, str] = {}
    for track_id, path in files:
        first.setdefault(path, track_id)

    def bad(path: Path, why: str) -> None:
        if on_bad_file is not None:
            on_bad_file(first[path], path, why)

    clips = read_clips(list(first), cache, workers=workers, progress=progress, on_bad_file=bad)
    if not clips:
        raise DataError(
            f"None of {len(first)} sound files can be used. "
            "Import tracks that have `artist` and `audio_path`."
        )
    return [first[clip.path] for clip in clips], clips


def _untrained(recipes: dict[str, AudioConfig]) -> dict[str, AudioConfig]:
    """Return, by name of system, one configuration for each network that the recipes train."""
    networks: dict[str, AudioConfig] = {}
    for config in recipes.values():
        networks.setdefault(resolve_recipe(config).architecture, config)
    several = len(networks) > 1
    return {f"untrained {n}" if several else "untrained": c for n, c in networks.items()}


def _of_recipe(name: str, progress: Progress) -> Progress:
    return lambda done, total, what: progress(done, total, f"{name}: {what}")


def _sizes(split: ArtistSplit, chunks: int) -> dict[str, int]:
    return {
        "eligible_artists": split.eligible,
        "test_artists": len(np.unique(split.artists[split.test])),
        "test_tracks": len(split.test),
        "test_chunks": chunks,
        "train_artists": len(np.unique(split.artists[split.train])),
        "train_tracks": len(split.train),
        "tracks_without_artist": int((split.artists < 0).sum()),
    }


def _parameters(
    settings: HearingSettings, config: AudioConfig, recipes: dict[str, AudioConfig]
) -> dict[str, Any]:
    return {
        "seed": settings.seed,
        "test_fraction": settings.test_fraction,
        "min_tracks": MIN_TRACKS,
        "chunks_a_track": CHUNKS,
        "genre_neighbours": GENRE_NEIGHBOURS,
        "resamples": settings.resamples,
        "level": 0.95,
        "resampled": "artists",
        "min_artists": MIN_ARTISTS,
        "audio": config.model_dump(mode="json"),
        "recipes": {
            name: resolve_recipe(own).model_dump(mode="json") for name, own in recipes.items()
        },
    }
