"""The stage of sound: imported embeddings, or those of an encoder that is trained if need be."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from audio_model.cache import MelCache
from audio_model.keras_encoder import KerasEncoder
from data.catalog import Catalog
from data.errors import DataError
from engine.bundle import Acoustic
from engine.duplicates import Duplicates, Recordings
from engine.encoders import current_encoder
from engine.spaces import IMPORTED, stored_acoustic
from engine.training.encoder import Origin, fitting_encoder, train_new_encoder, why_to_train
from engine.training.run import Run
from engine.training.sound import audio_files, embed_catalog


def hear(run: Run, catalog: Catalog, part: str) -> Acoustic | None:
    """Take the imported embeddings, or make those of the encoder, as the settings say.

    Parameters
    ----------
    run : Run
    catalog : Catalog
    part : str
        What is trained; see `engine.training.train`.

    Raises
    ------
    DataError
        If what the settings or `part` ask for is not there.
    """
    choice = run.sections.engine.embeddings
    imported = IMPORTED in run.store.spaces()
    if choice == "imported" and not imported:
        raise DataError(
            "`engine.embeddings` is 'imported', but none were. "
            "Import them with `segue import embeddings FILE`."
        )
    if imported and choice != "encoder":
        if part == "audio":
            raise DataError(
                "Imported embeddings are in use, so there is no encoder to train. "
                "Set `engine.embeddings` to 'encoder' to use the sound files instead."
            )
        run.report.acoustic = "imported"
        return stored_acoustic(run.store, IMPORTED, catalog, encoder=None)
    files = audio_files(catalog)
    if not files and part == "audio":
        raise DataError("No track has an `audio_path`, so there is no sound to learn from.")
    return _heard(run, files, catalog, part) if files else None


def find_duplicates(run: Run, catalog: Catalog, acoustic: Acoustic | None) -> Duplicates | None:
    """Group the tracks that are the same recording, by the prints of their sound."""
    if acoustic is None or acoustic.encoder is None:
        return None
    recordings = Recordings(*run.store.load_recordings(acoustic.space, catalog.tracks))
    if not recordings.words.size:
        return None
    with run.timed("duplicates"):
        found = Duplicates.find(recordings)
    run.report.duplicates = int((found.representatives != np.arange(len(catalog))).sum())
    return found


def _heard(run: Run, files: list[tuple[str, Path]], catalog: Catalog, part: str) -> Acoustic | None:
    config, say = run.sections.audio, run.listeners.say
    encoder = None if part == "audio" else fitting_encoder(run.home, config, say=say)
    if encoder is None and part in ("cf", "ranker"):
        return None
    if encoder is None:
        encoder = _trained(run, catalog, len(files))
    say(f"Embedding what is new of {len(files):,} files.")
    with run.timed("embed"):
        embedding = embed_catalog(
            files,
            encoder,
            run.store,
            cache=MelCache(run.home.mel_cache, config),
            workers=run.workers,
            progress=run.listeners.progress,
            on_bad_file=run.listeners.on_bad_file,
        )
    run.report.bad_files = embedding.bad
    run.report.acoustic = "encoder"
    directory = current_encoder(run.home)
    return stored_acoustic(run.store, encoder.fingerprint, catalog, encoder=directory)


def _origin(run: Run) -> Origin:
    """Return what to train from: as told, else the pretrained encoder, if it fits."""
    config = run.sections.audio
    if run.start.from_scratch:
        return Origin.initial()
    if run.start.encoder is not None:
        return Origin.saved(run.start.encoder, config)
    pretrained = Origin.pretrained(config)
    if pretrained is None:
        run.listeners.say(why_to_train(config))
    return pretrained or Origin.initial()


def _trained(run: Run, catalog: Catalog, files: int) -> KerasEncoder:
    config, say = run.sections.audio, run.listeners.say
    origin = _origin(run)
    say(f"Training the audio encoder on {files:,} files, from {origin.told}.")
    with run.timed("encoder"):
        return train_new_encoder(
            run.home,
            catalog,
            config,
            store=run.store,
            origin=origin,
            workers=run.workers,
            progress=run.listeners.progress,
            say=say,
        )
