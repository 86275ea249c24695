"""Many files to embeddings: processes decode while this one predicts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from audio_model.cache import MelCache
from audio_model.chunks import split_chunks
from audio_model.clips import Progress
from audio_model.config import AudioConfig
from audio_model.decode import load_audio
from audio_model.encoder import AudioEncoder, aggregate
from audio_model.mel import log_mel
from audio_model.pool import read_in_workers

FloatArray = npt.NDArray[np.float32]

_BATCH_CHUNKS = 64  # chunks gathered over tracks before the network is called


def embed_files(
    items: Sequence[tuple[str, Path]],
    encoder: AudioEncoder,
    cache: MelCache | None,
    *,
    workers: int = 1,
    on_result: Callable[[str, FloatArray], None],
    on_bad_file: Callable[[str, Path, str], None],
    progress: Progress | None = None,
) -> None:
    """Embed sound files, reporting each as soon as it is known.

    Decoding and mel-spectrograms run in processes of their own, prediction in a thread of this
    one, over the chunks of several tracks at once. A few tracks are held at a time, however many
    there are. A bad file, or one that crashes or hangs its decoder, is reported and skipped. All
    callbacks are called from the calling thread; an exception of theirs (or Ctrl-C) ends the run.

    Parameters
    ----------
    items : sequence of (str, Path)
        Ids and files.
    encoder : AudioEncoder
        Embeds chunks.
    cache : MelCache or None
        Where spectrograms are kept; None keeps none.
    workers : int
        Processes that decode, at least 1.
    on_result : callable
        Told (id, embedding of shape (dim,)), in order of completion.
    on_bad_file : callable
        Told (id, path, one-line reason).
    progress : callable, optional
        Told (done, total, what).

    Raises
    ------
    ParameterError
        If the cache holds spectrograms of other settings than the encoder was trained on.
    DataError
        If the cache cannot be written.
    """
    if cache is not None:
        cache.check(encoder.config)
    read = partial(_read_mel, encoder.config) if cache is None else partial(_cached_mel, cache)
    batcher = _Batcher(encoder, on_result)
    outcomes = read_in_workers(read, [path for _, path in items], workers=workers)
    with closing(batcher), closing(outcomes):
        for done, outcome in enumerate(outcomes, start=1):
            track_id, path = items[outcome.index]
            if outcome.value is None:
                on_bad_file(track_id, path, outcome.error or "")
            else:
                batcher.add(track_id, split_chunks(outcome.value, encoder.config))
            if progress is not None:
                progress(done, len(items), "embedding")
        batcher.finish()


def _read_mel(config: AudioConfig, path: Path) -> npt.NDArray[np.floating]:
    return log_mel(load_audio(path, config), config)


def _cached_mel(cache: MelCache, path: Path) -> npt.NDArray[np.floating]:
    return np.asarray(cache.mel(path))


class _Batcher:
    """Gathers chunks of several tracks, and predicts one batch while the next is gathered."""

    def __init__(self, encoder: AudioEncoder, on_result: Callable[[str, FloatArray], None]) -> None:
        self._encoder, self._on_result = encoder, on_result
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="segue-predict")
        self._ids: list[str] = []
        self._chunks: list[FloatArray] = []
        self._running: tuple[list[str], list[int], Future[FloatArray]] | None = None

    def add(self, track_id: str, chunks: FloatArray) -> None:
        self._ids.append(track_id)
        self._chunks.append(chunks)
        if sum(map(len, self._chunks)) >= _BATCH_CHUNKS:
            self._start()

    def finish(self) -> None:
        if self._ids:
            self._start()
        self._deliver()

    def _start(self) -> None:
        self._deliver()
        bounds = np.cumsum([len(c) for c in self._chunks])[:-1].tolist()
        future = self._thread.submit(self._encoder.embed_chunks, np.concatenate(self._chunks))
        self._running = self._ids, bounds, future
        self._ids, self._chunks = [], []

    def _deliver(self) -> None:
        if self._running is None:
            return
        ids, bounds, future = self._running
        self._running = None
        parts = np.split(future.result(), bounds)
        for track_id, embeddings in zip(ids, parts, strict=True):
            self._on_result(track_id, aggregate(embeddings))

    def close(self) -> None:
        self._thread.shutdown(wait=True, cancel_futures=True)
