"""Training batches: which chunks, in which order, through which views.

A batch is a function of (seed, step) alone, so training that starts again at some step sees
what it would have seen.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Generator, Sequence
from functools import lru_cache
from hashlib import sha256
from queue import Full, Queue

import numpy as np
import numpy.typing as npt

from audio_model.cache import HalfArray, MelCache
from audio_model.chunks import chunk_starts
from audio_model.clips import Clip
from audio_model.config import AudioConfig
from audio_model.recipes import Recipe
from audio_model.views import VIEWS
from data.checks import check_choice
from data.errors import AudioError

FloatArray = npt.NDArray[np.float32]

_AHEAD = 3  # batches made while the network is busy


class ChunkDataset:
    """All chunks of some clips.

    Parameters
    ----------
    clips : sequence of Clip
        Usable files.
    cache : MelCache
        Holds their spectrograms; one that has gone is computed again.
    config : AudioConfig
        `chunk_frames`, `top_db`, `seed`.
    recipe : Recipe
        Batch size and views.

    Raises
    ------
    AudioError
        If there are fewer than two chunks: contrast needs at least two sounds.
    """

    def __init__(
        self, clips: Sequence[Clip], cache: MelCache, *, config: AudioConfig, recipe: Recipe
    ) -> None:
        check_choice("views", recipe.views, VIEWS.keys())
        starts = [chunk_starts(clip.n_frames, config) for clip in clips]
        owners = [np.full(len(s), i, np.int32) for i, s in enumerate(starts)]
        self._start = np.concatenate([*starts, np.empty(0, np.int64)])
        self._clip = np.concatenate([*owners, np.empty(0, np.int32)])
        self._clips, self._cache, self._config, self._recipe = clips, cache, config, recipe
        self._order = lru_cache(maxsize=2)(self._shuffle)
        if len(self) < 2:
            seconds = 2 * config.chunk_frames * config.hop_length / config.sr
            raise AudioError(
                f"Training needs at least two chunks of sound ({seconds:.1f} s in all). "
                f"Received: {len(self)}."
            )

    def __len__(self) -> int:
        return int(self._start.size)

    @property
    def batch_size(self) -> int:
        """Chunks in a batch: the recipe's number, or all chunks if they are fewer."""
        return min(self._recipe.batch_size, len(self))

    @property
    def steps_per_epoch(self) -> int:
        """Batches in a pass over the chunks; the few that fill no batch wait for another pass."""
        return len(self) // self.batch_size

    @property
    def fingerprint(self) -> str:
        """Changes when the clips or their spectrograms do."""
        rows = [[clip.key, clip.n_frames] for clip in self._clips]
        return sha256(json.dumps(rows).encode()).hexdigest()

    def batch(self, step: int) -> FloatArray:
        """Return the views of the batch of a step, counted from 0 over all epochs.

        Returns
        -------
        ndarray of float32, shape (2, batch_size, n_mels, chunk_frames)
        """
        epoch, at = divmod(step, self.steps_per_epoch)
        chosen = self._order(epoch)[at * self.batch_size : (at + 1) * self.batch_size]
        anchors = [(self._mel(self._clip[c]), int(self._start[c])) for c in chosen]
        rng = np.random.default_rng([self._config.seed, epoch, at])
        return VIEWS[self._recipe.views](anchors, self._config, self._recipe, rng)

    def _shuffle(self, epoch: int) -> npt.NDArray[np.int64]:
        return np.random.default_rng([self._config.seed, epoch]).permutation(len(self))

    def _mel(self, index: int) -> HalfArray:
        clip = self._clips[index]
        mel = self._cache.load(clip.key)
        return self._cache.mel(clip.path) if mel is None else mel


def prefetch(dataset: ChunkDataset, steps: range) -> Generator[FloatArray, None, None]:
    """Yield the batches of steps, made ahead by a thread; its errors are raised here."""
    ready: Queue[FloatArray | BaseException] = Queue(maxsize=_AHEAD)
    stop = threading.Event()

    def put(item: FloatArray | BaseException) -> None:
        while not stop.is_set():
            try:
                return ready.put(item, timeout=0.1)
            except Full:
                continue

    def produce() -> None:
        try:
            for step in steps:
                if stop.is_set():
                    return
                put(dataset.batch(step))
        except BaseException as error:  # noqa: BLE001 - handed to the consumer, which raises it
            put(error)

    thread = threading.Thread(target=produce, name="segue-batches", daemon=True)
    thread.start()
    try:
        for _ in steps:
            item = ready.get()
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        stop.set()
        thread.join()
