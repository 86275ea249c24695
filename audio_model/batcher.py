"""Chunks of many tracks to batches of one size for the network, and its answers back to tracks."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
import numpy.typing as npt

from audio_model.chunks import chunk_starts, cut_chunk
from audio_model.encoder import AudioEncoder, Heard, WordArray

FloatArray = npt.NDArray[np.float32]

_BATCH = 64  # chunks a call of the encoder: some tracks, or a few minutes of a long one
_AHEAD = 2  # batches on their way, while the next is filled


class _Track:
    """A track some of whose chunks are still on their way."""

    def __init__(self, track_id: str, n_chunks: int, *, recording: WordArray) -> None:
        self.track_id, self.recording = track_id, recording
        self.missing = n_chunks
        self.embeddings: FloatArray | None = None
        self._n_chunks = n_chunks

    def take(self, first: int, embeddings: FloatArray) -> None:
        """Keep the embeddings of its chunks from `first` on."""
        if self.embeddings is None:
            self.embeddings = np.empty((self._n_chunks, embeddings.shape[1]), np.float32)
        self.embeddings[first : first + len(embeddings)] = embeddings
        self.missing -= len(embeddings)

    def heard(self) -> Heard:
        assert self.embeddings is not None
        return Heard.from_chunks(self.embeddings, self.recording)


_Part = tuple[_Track, int, int]
"""A track, and which of its chunks: the first, and how many."""


class Batcher:
    """Embeds spectrograms, in batches that cross from track to track, in a thread of its own.

    All batches but the last are full, whatever the lengths of the tracks, and only a few are held:
    of a long track no more than its embeddings are gathered.

    Parameters
    ----------
    encoder : AudioEncoder
        Embeds chunks.
    on_result : callable
        Told (id, what became of the track), in the order of `add`, by the thread that calls the
        batcher.
    """

    def __init__(self, encoder: AudioEncoder, on_result: Callable[[str, Heard], None]) -> None:
        self._encoder, self._config, self._on_result = encoder, encoder.config, on_result
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="segue-predict")
        self._running: deque[tuple[list[_Part], Future[FloatArray]]] = deque()
        self._begin()

    def _begin(self) -> None:
        shape = (_BATCH, self._config.n_mels, self._config.chunk_frames)
        self._chunks, self._filled = np.empty(shape, np.float32), 0
        self._parts: list[_Part] = []

    def add(self, track_id: str, mel: npt.NDArray[np.floating], recording: WordArray) -> None:
        """Take a track: its spectrogram in dB, shape (n_mels, n_frames), and its print."""
        starts = chunk_starts(mel.shape[1], self._config)
        track = _Track(track_id, len(starts), recording=recording)
        done = 0
        while done < len(starts):
            part = starts[done : done + _BATCH - self._filled]
            for row, start in enumerate(part, start=self._filled):
                self._chunks[row] = cut_chunk(mel, start, self._config)
            self._parts.append((track, done, len(part)))
            done, self._filled = done + len(part), self._filled + len(part)
            if self._filled == _BATCH:
                self._send()
        while self._running and self._running[0][1].done():
            self._deliver()

    def finish(self) -> None:
        """Embed what is left; all tracks have been reported when this returns."""
        if self._filled:
            self._send()
        while self._running:
            self._deliver()

    def close(self) -> None:
        """End the thread; tracks on their way are dropped."""
        self._thread.shutdown(wait=True, cancel_futures=True)

    def _send(self) -> None:
        if len(self._running) == _AHEAD:
            self._deliver()
        future = self._thread.submit(self._encoder.embed_chunks, self._chunks[: self._filled])
        self._running.append((self._parts, future))
        self._begin()

    def _deliver(self) -> None:
        parts, future = self._running.popleft()
        embeddings, at = future.result(), 0
        for track, first, count in parts:
            track.take(first, embeddings[at : at + count])
            at += count
            if track.missing == 0:
                self._on_result(track.track_id, track.heard())
