"""The acoustic half of training: an embedding of every track that has audio."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from audio_model.cache import MelCache, fingerprint
from audio_model.embed import embed_files
from audio_model.encoder import Heard
from audio_model.keras_encoder import KerasEncoder
from data.catalog import Catalog
from data.errors import AudioError
from data.store import Store
from engine.bundle import BundleRegistry
from engine.encoders import current_encoder
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

    So are those of which only the vector is kept, as an older version did. What is heard is stored
    as it comes, some files at a time, so that a killed run goes on where it was. A bad file is
    reported and skipped.
    """
    report = EmbedReport()
    done = store.fingerprints(encoder.fingerprint)
    half_heard = store.half_heard(encoder.fingerprint)
    wanted: list[tuple[str, Path]] = []
    prints: dict[str, str] = {}
    for track_id, path in files:
        try:
            prints[track_id] = fingerprint(path, cache.config)
        except AudioError as error:
            _bad(report, track_id, path, str(error), on_bad_file)
            continue
        if done.get(track_id) == prints[track_id] and track_id not in half_heard:
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
    """Collects what is heard of files and stores it some files at a time."""

    def __init__(self, store: Store, space: str, prints: dict[str, str]) -> None:
        self._store, self._space, self._prints = store, space, prints
        self._pending: dict[str, Heard] = {}
        self.written = 0

    def add(self, track_id: str, heard: Heard) -> None:
        self._pending[track_id] = heard
        if len(self._pending) >= _FLUSH:
            self.flush()

    def flush(self) -> None:
        if not self._pending:
            return
        ids, heard = list(self._pending), list(self._pending.values())
        self._store.put_embeddings(
            self._space,
            ids,
            np.stack([h.embedding for h in heard]),
            fingerprints=[self._prints[i] for i in ids],
            segments=[h.segments.astype("<f2").tobytes() for h in heard],
            recordings=[h.recording.astype("<u4").tobytes() for h in heard],
        )
        self.written += len(ids)
        self._pending.clear()
