"""A step of training.

Measured: steps of the default recipe as `train_encoder` takes them: a thread cuts and changes the
crops of the coming batches, from spectrograms in the cache, while the network learns from the
present one. 96 tracks of 30 s of noise: what sounds is all the same to the time that it takes.

References: the same compiled step on one batch of random numbers that is there already, by clock
and by the processor time of all threads, which other work on the machine disturbs less; and, for
the last line, the time of the measured steps themselves, against what of it was spent waiting
for a batch. TensorFlow's threads are one a core, as by default; the thread that makes batches
shares the cores with them.

Limit: chunks a second at least 0.95 of the bare step's, so at most 1.05 of its time; waiting for
data at most 0.05 of the time.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Generator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import soundfile as sf

from audio_model.cache import MelCache, fingerprint
from audio_model.clips import Clip
from audio_model.config import AudioConfig
from audio_model.recipes import resolve_recipe
from benchmarks.harness import Result, interleave

if TYPE_CHECKING:
    from audio_model.dataset import Batch

_FILES, _SECONDS, _TIMES = 24, 30, 4
_STEPS, _ROUNDS = 4, 10
_CONFIG = AudioConfig()


def run() -> list[Result]:
    """Measure the default recipe."""
    # Late, so that importing this module, as a test does, stays light.
    from audio_model.dataset import ChunkDataset, prefetch
    from audio_model.learner import Learner

    recipe = resolve_recipe(_CONFIG)
    learner = Learner(_CONFIG, recipe, steps=1_000)
    with tempfile.TemporaryDirectory() as directory:
        cache = MelCache(Path(directory) / "mel", _CONFIG)
        dataset = ChunkDataset(_clips(cache, Path(directory)), cache, config=_CONFIG, recipe=recipe)
        views, kin = dataset.batch(0)
        noise = np.random.default_rng(0).random(views.shape, np.float32)
        batches = prefetch(dataset, range(1_000))
        waits: list[float] = []
        busy: list[float] = []
        busy_bare: list[float] = []

        def train() -> None:
            began = time.process_time()
            waits.append(sum(_step(learner.learn, batches) for _ in range(_STEPS)))
            busy.append(time.process_time() - began)

        def bare() -> None:
            began = time.process_time()
            for _ in range(_STEPS):
                learner.learn(noise, kin)
            busy_bare.append(time.process_time() - began)

        with closing(batches):
            trained, plain = interleave(train, bare, rounds=_ROUNDS)
    return [
        Result("training step / bare step", trained, plain, limit="<= 1.05x"),
        Result("the same, processor time", busy[1:], busy_bare[1:], limit="<= 1.05x"),
        Result("waiting for data / training step", waits[1:], trained, limit="<= 0.05x"),
    ]


def _step(learn: Callable[..., float], batches: Generator[Batch, None, None]) -> float:
    """Take one step; return the seconds that it waited for its batch."""
    began = time.perf_counter()
    batch = next(batches)
    waited = time.perf_counter() - began
    learn(*batch)
    return waited


def _clips(cache: MelCache, directory: Path) -> list[Clip]:
    """Write sound files of noise, and take their spectrograms; each file is there several times."""
    rng, clips = np.random.default_rng(0), []
    for i in range(_FILES):
        path = directory / f"{i}.wav"
        sf.write(path, rng.normal(0, 0.1, _SECONDS * _CONFIG.sr).astype(np.float32), _CONFIG.sr)
        n_frames = cache.mel(path).shape[1]
        clips.append(Clip(path, fingerprint(path, _CONFIG), n_frames))
    return clips * _TIMES
