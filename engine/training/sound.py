"""The acoustic half of training: an encoder, and an embedding of every track that has audio."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from audio_model.cache import MelCache, fingerprint
from audio_model.config import AudioConfig
from audio_model.embed import embed_files
from audio_model.keras_encoder import KerasEncoder
from audio_model.training import train_encoder
from data.catalog import Catalog
from data.errors import AudioError
from data.store import Store
from engine.bundle import BundleRegistry
from engine.encoders import current_encoder, keep_encoder
from engine.home import Home
from engine.spaces import IMPORTED

Progress = Callable[[int, int, str], None]
BadFile = Callable[[str, Path, str], None]

_FLUSH = 64  # embeddings a transaction: what a crash can lose


@dataclass
class EmbedReport:
    """What an embedding run did.

    Attributes
    ----------
    embedded : int
        Files embedded by this run.
    reused : int
        Files embedded before and unchanged since.
    bad : list of (track_id, path, reason)
        Files that could not be used.
    """

    embedded: int = 0
    reused: int = 0
    bad: list[tuple[str, Path, str]] = field(default_factory=list)


def audio_files(catalog: Catalog) -> list[tuple[str, Path]]:
    """Return the id and the file of each track that has one, in the order of the catalogue."""
    paths = catalog.column("audio_path").to_pylist()
    return [(t, Path(p)) for t, p in zip(catalog.tracks, paths, strict=True) if p]


def fitting_encoder(home: Home, config: AudioConfig) -> KerasEncoder | None:
    """Load the current encoder, if there is one and it was trained as the settings say."""
    directory = current_encoder(home)
    if directory is None:
        return None
    encoder = KerasEncoder.load(directory)
    chunks = (encoder.config.mel_parameters(), encoder.config.chunk_frames)
    wanted = (config.mel_parameters(), config.chunk_frames)
    return encoder if chunks == wanted and encoder.recipe.name == config.recipe else None


def train_new_encoder(
    home: Home,
    files: Sequence[tuple[str, Path]],
    config: AudioConfig,
    *,
    workers: int,
    progress: Progress | None = None,
) -> KerasEncoder:
    """Train an encoder and keep it as the current one; a killed training is continued.

    Bad files are skipped in silence: embedding, which comes next, reports them.

    Raises
    ------
    AudioError
        If no file can be used.
    """
    checkpoints = home.work / "encoder"
    encoder = train_encoder(
        [path for _, path in files],
        config,
        checkpoint_dir=checkpoints,
        cache=MelCache(home.mel_cache, config),
        workers=workers,
        progress=progress,
    )
    keep_encoder(home, encoder.fingerprint, encoder.save)
    shutil.rmtree(checkpoints, ignore_errors=True)
    return encoder


def embed_catalog(
    files: Sequence[tuple[str, Path]],
    encoder: KerasEncoder,
    store: Store,
    *,
    cache: MelCache,
    workers: int,
    progress: Progress | None = None,
    on_bad_file: BadFile | None = None,
) -> EmbedReport:
    """Embed the files that are new or changed since they were embedded by the same encoder.

    Vectors are stored as they come, some at a time, so that a killed run goes on where it was. A
    bad file is reported and skipped.
    """
    report = EmbedReport()
    done = store.fingerprints(encoder.fingerprint)
    wanted: list[tuple[str, Path]] = []
    prints: dict[str, str] = {}
    for track_id, path in files:
        try:
            prints[track_id] = fingerprint(path, cache.config)
        except AudioError as error:
            _bad(report, track_id, path, str(error), on_bad_file)
            continue
        if done.get(track_id) == prints[track_id]:
            report.reused += 1
        else:
            wanted.append((track_id, path))
    writer = _Writer(store, encoder.fingerprint, prints)
    try:
        embed_files(
            wanted,
            encoder,
            cache,
            workers=workers,
            on_result=writer.add,
            on_bad_file=lambda t, p, why: _bad(report, t, p, why, on_bad_file),
            progress=progress,
        )
    finally:
        writer.flush()
    # A vector of a file that is gone or no longer usable would stand for something else.
    usable = prints.keys() - {track_id for track_id, _, _ in report.bad}
    store.forget_embeddings(encoder.fingerprint, sorted(done.keys() - usable))
    report.embedded = writer.written
    return report


def drop_unused_spaces(home: Home, store: Store, registry: BundleRegistry) -> None:
    """Delete the encoders, and their embeddings, that no kept bundle and no training needs."""
    current = current_encoder(home)
    used = {IMPORTED, *(m.acoustic_space for m in registry.manifests())}
    used |= {current.name} if current is not None else set()
    for space in store.spaces().keys() - used:
        store.drop_embeddings(space)
    for directory in home.encoders.glob("[!.]*/"):
        if directory.name not in used:
            shutil.rmtree(directory, ignore_errors=True)


def _bad(
    report: EmbedReport, track_id: str, path: Path, why: str, on_bad_file: BadFile | None
) -> None:
    report.bad.append((track_id, path, why))
    if on_bad_file is not None:
        on_bad_file(track_id, path, why)


class _Writer:
    """Collects embeddings and stores them some at a time."""

    def __init__(self, store: Store, space: str, prints: dict[str, str]) -> None:
        self._store, self._space, self._prints = store, space, prints
        self._pending: dict[str, npt.NDArray[np.float32]] = {}
        self.written = 0

    def add(self, track_id: str, vector: npt.NDArray[np.float32]) -> None:
        self._pending[track_id] = vector
        if len(self._pending) >= _FLUSH:
            self.flush()

    def flush(self) -> None:
        if not self._pending:
            return
        ids = list(self._pending)
        vectors = np.stack([self._pending[i] for i in ids])
        prints = [self._prints[i] for i in ids]
        self._store.put_embeddings(self._space, ids, vectors, fingerprints=prints)
        self.written += len(ids)
        self._pending.clear()
