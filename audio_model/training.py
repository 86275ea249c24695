"""Contrastive training of the encoder. Importing this loads TensorFlow."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from hashlib import sha256
from pathlib import Path

import numpy as np

from audio_model.backend import tf
from audio_model.cache import MelCache
from audio_model.checkpoint import TrainingState, load_state, save_state
from audio_model.clips import Clip, Progress, read_clips
from audio_model.config import AudioConfig
from audio_model.dataset import ChunkDataset, prefetch
from audio_model.keras_encoder import KerasEncoder
from audio_model.kin import Kin
from audio_model.learner import Learner
from audio_model.recipes import Recipe, resolve_recipe
from data.errors import AudioError

_log = logging.getLogger("segue.audio")

_SAID = 50  # steps from one logged loss to the next, or an epoch where that is longer


def train_encoder(
    paths: Sequence[Path],
    config: AudioConfig,
    *,
    checkpoint_dir: Path,
    cache: MelCache,
    kin: Kin | None = None,
    start: KerasEncoder | None = None,
    workers: int = 1,
    progress: Progress | None = None,
    on_bad_file: Callable[[Path, str], None] | None = None,
) -> KerasEncoder:
    """Train an encoder on sound files by the recipe that `config` names.

    Training that was killed at any moment goes on from its last checkpoint and, on the same
    machine with the same number of threads, ends with the same weights as if undisturbed; if it
    had ended, its result is returned at once. A checkpoint of other settings or other sound is not
    used. (A run that `max_seconds` ends depends on the speed of the machine.)

    Parameters
    ----------
    paths : sequence of Path
        Sound files.
    config : AudioConfig
        Mel settings, recipe, its overrides, seed and time box.
    checkpoint_dir : Path
        Holds `checkpoint.npz`; made if missing.
    cache : MelCache
        Holds, or receives, the spectrograms.
    kin : Kin, optional
        Which of the files belong together, for recipes with a `kin_weight`.
    start : KerasEncoder, optional
        An encoder of the same network, whose weights training starts from instead of initial ones;
        what the recipe calls its `tuning` then holds.
    workers : int
        Processes that decode files that the cache does not hold.
    progress : callable, optional
        Told (done, total, what): first of files read, then of steps.
    on_bad_file : callable, optional
        Told (path, one-line reason) of each file that cannot be used; it is skipped.

    Returns
    -------
    KerasEncoder

    Raises
    ------
    AudioError
        If the usable files hold fewer than two chunks of sound, or are fewer than two where the
        recipe samples tracks.
    ParameterError
        If the cache holds spectrograms of other settings, or `start` is of another network.
    """
    cache.check(config)
    recipe = resolve_recipe(config, tuning=start is not None)
    clips = read_clips(paths, cache, workers=workers, progress=progress, on_bad_file=on_bad_file)
    if not clips:
        raise AudioError(f"None of {len(paths)} sound files can be used for training.")
    if kin is not None:
        kin = _kin_of_clips(clips, paths, kin) if recipe.kin_weight else None
    dataset = ChunkDataset(clips, cache, config=config, recipe=recipe, kin=kin)
    trainer = _Trainer(dataset, config, recipe, start=start)
    trainer.run(checkpoint_dir, progress or (lambda *_: None))
    return KerasEncoder(config, recipe, trainer.learner.finished(dataset))


def _kin_of_clips(clips: Sequence[Clip], paths: Sequence[Path], kin: Kin) -> Kin:
    """Return the kin of the files that can be used."""
    rows = {path: row for row, path in enumerate(paths)}
    return kin.take(np.array([rows[clip.path] for clip in clips], np.int64))


class _Trainer:
    """One network on its way; `run` takes it from its last checkpoint to the end."""

    def __init__(
        self,
        dataset: ChunkDataset,
        config: AudioConfig,
        recipe: Recipe,
        *,
        start: KerasEncoder | None = None,
    ) -> None:
        tf.config.experimental.enable_op_determinism()  # all seeds are explicit: nothing else moves
        self.dataset, self.config, self.recipe = dataset, config, recipe
        self.origin = None if start is None else start.fingerprint
        self.total = min(recipe.epochs * dataset.steps_per_epoch, recipe.max_steps)
        self.learner = Learner(config, recipe, steps=self.total, start=start)
        self.step, self.seconds = 0, 0.0

    def run(self, checkpoint_dir: Path, progress: Progress) -> None:
        """Train until all steps are done or the time box is full."""
        self._restore(checkpoint_dir)
        box = self.config.max_seconds or float("inf")
        saved = since = time.monotonic() - self.seconds
        losses: list[float] = []
        batches = prefetch(self.dataset, range(self.step, self.total))
        with closing(batches):
            while self.step < self.total and self.seconds < box:
                losses.append(self.learner.learn(*next(batches)))
                self.step += 1
                self.seconds = time.monotonic() - since
                progress(self.step, self.total, f"training the encoder, loss {losses[-1]:.3f}")
                late = time.monotonic() - saved >= self.config.checkpoint_seconds
                if late or self.step == self.total or self.seconds >= box:
                    self._save(checkpoint_dir)
                    saved = time.monotonic()
                if self.step % max(_SAID, self.dataset.steps_per_epoch) == 0:
                    loss = np.mean(losses)
                    _log.info("Step %d: loss %.3f, %.0f s.", self.step, loss, self.seconds)
                    losses.clear()

    def _signature(self) -> str:
        settings = self.config.model_dump(include={"chunk_frames", "seed"})
        parts = [self.config.mel_parameters(), settings, self.recipe.model_dump()]
        origin = [self.dataset.fingerprint, self.origin, self.learner.precision]
        content = json.dumps([*parts, *origin], sort_keys=True)
        return sha256(content.encode()).hexdigest()

    def _save(self, directory: Path) -> None:
        weights, optimizer = self.learner.state()
        state = TrainingState(self._signature(), self.step, self.seconds, weights, optimizer)
        save_state(directory, state)

    def _restore(self, directory: Path) -> None:
        state = load_state(directory, self._signature())
        if state is None:
            return
        self.step, self.seconds = state.step, state.seconds
        self.learner.restore(state.weights, state.optimizer)
        _log.info("Training goes on from step %d of %d.", self.step, self.total)
