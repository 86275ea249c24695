"""Training batches: which chunks, in which order, through which views.

A batch is a function of (seed, step) alone, so training that starts again at some step sees
what it would have seen.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Generator, Iterator, Sequence
from functools import lru_cache
from hashlib import sha256
from queue import Full, Queue

import numpy as np
import numpy.typing as npt

from audio_model.cache import HalfArray, MelCache
from audio_model.chunks import chunk_starts, cut_chunk
from audio_model.clips import Clip
from audio_model.config import AudioConfig
from audio_model.kin import Kin
from audio_model.mel import scale_mel
from audio_model.recipes import Recipe
from audio_model.views import VIEWS
from data.checks import check_choice
from data.errors import AudioError

FloatArray = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]
Batch = tuple[FloatArray, BoolArray]
"""Views and kin, see `ChunkDataset.batch`."""

_AHEAD = 3  # batches made while the network is busy
_OPEN = 256  # spectrograms kept open, each with a file descriptor


class ChunkDataset:
    """What training draws its batches from: all chunks of some clips, or all clips.

    Parameters
    ----------
    clips : sequence of Clip
        Usable files.
    cache : MelCache
        Holds their spectrograms; one that has gone is computed again.
    config : AudioConfig
        `chunk_frames`, `top_db`, `seed`.
    recipe : Recipe
        Batch size, views, and what is sampled.
    kin : Kin, optional
        Which clips belong together; by default none do. If tracks are sampled, one is followed by
        a neighbour of its own.

    Raises
    ------
    AudioError
        If there are fewer than two chunks: contrast needs at least two sounds.
    """

    def __init__(
        self,
        clips: Sequence[Clip],
        cache: MelCache,
        *,
        config: AudioConfig,
        recipe: Recipe,
        kin: Kin | None = None,
    ) -> None:
        check_choice("views", recipe.views, VIEWS.keys())
        starts = [_anchors(clip, config, recipe) for clip in clips]
        owners = [np.full(len(s), i, np.int32) for i, s in enumerate(starts)]
        self._start = np.concatenate([*starts, np.empty(0, np.int64)])
        self._clip = np.concatenate([*owners, np.empty(0, np.int32)])
        self._kin = kin or Kin()
        self._clips, self._cache, self._config, self._recipe = clips, cache, config, recipe
        self._order = lru_cache(maxsize=2)(self._shuffle)
        self._mel = lru_cache(maxsize=_OPEN)(self._load)
        if len(self) < 2 and recipe.sampling == "tracks":
            raise AudioError(f"Training needs at least two tracks. Received: {len(self)}.")
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
        return sha256(json.dumps([rows, self._kin.fingerprint]).encode()).hexdigest()

    def batch(self, step: int) -> Batch:
        """Return the batch of a step, counted from 0 over all epochs.

        Returns
        -------
        views : ndarray of float32, shape (2, batch_size, chunk_frames, n_mels)
        kin : ndarray of bool, shape (batch_size, batch_size)
            Which of them belong together.
        """
        epoch, at = divmod(step, self.steps_per_epoch)
        chosen = self._order(epoch)[at * self.batch_size : (at + 1) * self.batch_size]
        anchors = [(self._mel(self._clip[c]), int(self._start[c])) for c in chosen]
        rng = np.random.default_rng([self._config.seed, epoch, at])
        views = VIEWS[self._recipe.views](anchors, self._config, self._recipe, rng)
        return views, self._kin.among(self._clip[chosen])

    def sample(self, a_clip: int, *, most: int) -> Iterator[FloatArray]:
        """Yield up to `a_clip` chunks of each clip, evenly spread, and up to `most` in all.

        Yields
        ------
        ndarray of float32, shape (n, n_mels, chunk_frames)
            Those of one clip, scaled to 0..1. Of too many clips, some have their turn.
        """
        clips = np.linspace(0, len(self._clips) - 1, min(most, len(self._clips))).astype(int)
        share = max(1, min(a_clip, most // len(clips)))
        for index in clips:
            mel = self._mel(index)
            starts = chunk_starts(mel.shape[1], self._config)
            picked = np.unique(np.linspace(0, len(starts) - 1, share).round().astype(int))
            chunks = [cut_chunk(mel, int(starts[i]), self._config) for i in picked]
            yield scale_mel(np.stack(chunks), self._config)

    def _shuffle(self, epoch: int) -> npt.NDArray[np.int64]:
        rng = np.random.default_rng([self._config.seed, epoch])
        order = rng.permutation(len(self))
        return self._kin.in_pairs(order, rng) if self._recipe.sampling == "tracks" else order

    def _load(self, index: int) -> HalfArray:
        clip = self._clips[index]
        mel = self._cache.load(clip.key)
        return self._cache.mel(clip.path) if mel is None else mel


def _anchors(clip: Clip, config: AudioConfig, recipe: Recipe) -> npt.NDArray[np.int64]:
    """Return where the anchors of a clip begin: its chunks, or one that stands for the clip."""
    if recipe.sampling == "tracks":
        return np.zeros(1, np.int64)
    return chunk_starts(clip.n_frames, config)


def prefetch(dataset: ChunkDataset, steps: range) -> Generator[Batch, None, None]:
    """Yield the batches of steps, made ahead by a thread; its errors are raised here."""
    ready: Queue[Batch | BaseException] = Queue(maxsize=_AHEAD)
    stop = threading.Event()

    def put(item: Batch | BaseException) -> None:
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
