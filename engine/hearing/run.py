"""A measurement of hearing from files to report. Importing this loads TensorFlow."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from audio_model.config import AudioConfig
from audio_model.recipes import resolve_recipe
from data.catalog import Catalog
from data.errors import AudioError, DataError
from engine.hearing.changes import LONGEST
from engine.hearing.entrants import Entrant, heard_tracks
from engine.hearing.figures import MIN_ARTISTS, Resampling
from engine.hearing.gallery import PASSAGES, Gallery, Progress
from engine.hearing.held_out import MIN_TRACKS, Plan, ask_everyone, hold_out
from engine.hearing.lineup import HearingSettings, LineUp
from engine.hearing.report import HearingReport, Robustness
from engine.hearing.robustness import measure_robustness
from engine.hearing.sections import GENRE_NEIGHBOURS, Labels, measure
from engine.hearing.systems import BASELINE, RANDOM, Part, hear_gallery
from engine.hearing.trained import Workshop
from engine.training.kin import catalog_kin

BadFile = Callable[[str, Path, str], None]


def evaluate_audio(
    files: Sequence[tuple[str, Path]],
    catalog: Catalog,
    config: AudioConfig,
    *,
    cache: Path,
    work: Path,
    settings: HearingSettings | None = None,
    workers: int = 1,
    progress: Progress | None = None,
    on_bad_file: BadFile | None = None,
) -> HearingReport:
    """Compare encoders with MFCCs at finding the same artist, of artists that they never heard.

    Nothing is trained unless `settings.train` says so. A killed run goes on where it was; its
    checkpoints are deleted at the end.

    Parameters
    ----------
    files : sequence of (str, Path)
        Track ids and their sound. Of tracks of one file, the first counts.
    catalog : Catalog
        Artists, albums and genres of the tracks.
    config : AudioConfig
        Overrides and time box of recipes; how much of a file is heard.
    cache : Path
        Directory that holds, or receives, spectrograms.
    work : Path
        A directory for checkpoints and changed sound, of this measurement alone.
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
        If a number is out of range.
    DataError
        If there are too few artists.
    BundleError
        If an encoder is missing or corrupt.
    """
    settings = settings or HearingSettings()
    tell = progress or (lambda *_: None)
    first: dict[Path, str] = {}
    for track_id, path in files:
        first.setdefault(path, track_id)

    def bad(path: Path, why: str) -> None:
        if on_bad_file is not None:
            on_bad_file(first[path], path, why)

    lineup = LineUp.of(settings, config)
    gallery = Gallery.read(
        list(first),
        cache,
        configs=lineup.configs,
        workers=workers,
        progress=tell,
        on_bad_file=bad,
    )
    if not len(gallery):
        raise DataError(
            f"None of {len(first)} sound files can be used. "
            "Import tracks that have `artist` and `audio_path`."
        )
    rows = catalog.tracks.indices([first[path] for path in gallery.paths])
    plan, lineup = _plan(lineup, catalog, rows, settings=settings)
    systems: dict[str, list[Part]] = {}
    for system in lineup.systems(settings.seed):
        vectors = hear_gallery(system, gallery, tell, label=system.name)
        systems[system.name] = [Part(plan.asked, system, vectors)]
    kin = catalog_kin(catalog, rows, config, together=settings.together)
    workshop = Workshop(gallery, plan, cache, work, tell, kin)
    training = {}
    for name, own in lineup.recipes.items():
        systems[name], training[name] = workshop.train(name, own, start=lineup.starts.get(name))
    labels = Labels.of(catalog, rows, gallery.owners)
    resampling = Resampling(settings.seed, settings.resamples)
    sections, skipped = measure(systems, labels, resampling)
    steady: dict[str, Robustness] = {}
    try:
        steady = measure_robustness(
            {name: parts for name, parts in systems.items() if name != RANDOM},
            gallery.paths,
            _sample(plan, gallery, settings),
            directory=work / "changed",
            workers=workers,
            progress=tell,
        )
    except AudioError as error:
        skipped["robustness"] = str(error)
    shutil.rmtree(work, ignore_errors=True)
    return HearingReport(
        sizes=_sizes(plan, gallery),
        parameters=_parameters(settings, lineup, systems),
        training=training,
        sections=sections,
        robustness=steady,
        skipped={**lineup.absent, **skipped},
        notes=lineup.notes,
    )


def _plan(
    lineup: LineUp, catalog: Catalog, rows: npt.NDArray[np.integer], *, settings: HearingSettings
) -> tuple[Plan, LineUp]:
    """Return who is asked for, and the systems, less a pretrained encoder that heard them all."""
    artists = catalog.column("artist").take(rows).to_pylist()
    albums = catalog.column("album").take(rows).to_pylist()

    def plan(entrants: Sequence[Entrant]) -> Plan:
        heard = heard_tracks(artists, albums, entrants)
        if not settings.train:
            return ask_everyone(artists, heard=heard)
        return hold_out(
            artists,
            heard=heard,
            folds=settings.folds,
            fraction=settings.test_fraction,
            seed=settings.seed,
        )

    try:
        return plan(lineup.entrants), lineup
    except DataError:
        rest = lineup.without_pretrained(
            "It heard too many of these artists in training to be asked about the others."
        )
        needed = settings.systems or (lineup.starts and settings.start is None)
        if needed or rest.entrants == lineup.entrants:
            raise
    return plan(rest.entrants), rest


def _sample(plan: Plan, gallery: Gallery, settings: HearingSettings) -> npt.NDArray[np.int64]:
    """Return the tracks whose robustness is measured, ascending."""
    possible = plan.asked[gallery.seconds[plan.asked] <= LONGEST]
    size = min(settings.changed, len(possible))
    return np.sort(np.random.default_rng(settings.seed).choice(possible, size, replace=False))


def _sizes(plan: Plan, gallery: Gallery) -> dict[str, int]:
    return {
        "eligible_artists": plan.eligible,
        "heard_artists": plan.heard,
        "asked_artists": len(np.unique(plan.artists[plan.asked])),
        "asked_tracks": len(plan.asked),
        "gallery_tracks": len(gallery),
        "gallery_passages": len(gallery.owners),
        "tracks_without_artist": int((plan.artists < 0).sum()),
    }


def _parameters(
    settings: HearingSettings, lineup: LineUp, systems: Mapping[str, Sequence[Part]]
) -> dict[str, Any]:
    trained = {
        "folds": settings.folds,
        "test_fraction": settings.test_fraction if settings.folds == 1 else None,
        "recipes": {
            name: resolve_recipe(own).model_dump(mode="json")
            for name, own in lineup.recipes.items()
        },
    }
    return {
        "baseline": BASELINE,
        "seed": settings.seed,
        "min_tracks": MIN_TRACKS,
        "passages_a_track": PASSAGES,
        "genre_neighbours": GENRE_NEIGHBOURS,
        "changed_tracks": settings.changed,
        "resamples": settings.resamples,
        "level": 0.95,
        "min_artists": MIN_ARTISTS,
        "systems": {
            name: {
                "chunk_seconds": parts[0].system.chunk_seconds,
                "mel": parts[0].system.config.mel_parameters(),
            }
            for name, parts in systems.items()
        },
        "encoders": {
            entrant.name: {
                "fingerprint": entrant.encoder.fingerprint,
                "heard_is_known": entrant.heard is not None,
            }
            for entrant in lineup.entrants
        },
        "audio": lineup.config.model_dump(mode="json"),
        "trained": trained if lineup.recipes else None,
    }
