"""Contrastive training of the encoder. Importing this loads TensorFlow."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from audio_model.backend import keras, tf
from audio_model.cache import MelCache
from audio_model.checkpoint import TrainingState, load_state, save_state
from audio_model.clips import Progress, read_clips
from audio_model.config import AudioConfig
from audio_model.dataset import ChunkDataset, prefetch
from audio_model.keras_encoder import KerasEncoder
from audio_model.loss import info_nce
from audio_model.network import build_network
from audio_model.recipes import Recipe, resolve_recipe
from data.errors import AudioError

_log = logging.getLogger("segue.audio")


def train_encoder(
    paths: Sequence[Path],
    config: AudioConfig,
    *,
    checkpoint_dir: Path,
    cache: MelCache,
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
        If the usable files hold fewer than two chunks of sound.
    ParameterError
        If the cache holds spectrograms of other settings.
    """
    cache.check(config)
    recipe = resolve_recipe(config)
    clips = read_clips(paths, cache, workers=workers, progress=progress, on_bad_file=on_bad_file)
    if not clips:
        raise AudioError(f"None of {len(paths)} sound files can be used for training.")
    dataset = ChunkDataset(clips, cache, config=config, recipe=recipe)
    trainer = _Trainer(dataset, config, recipe)
    trainer.run(checkpoint_dir, progress or (lambda *_: None))
    return KerasEncoder(config, recipe, trainer.weights())


class _Trainer:
    """One network on its way; `run` takes it from its last checkpoint to the end."""

    def __init__(self, dataset: ChunkDataset, config: AudioConfig, recipe: Recipe) -> None:
        tf.config.experimental.enable_op_determinism()  # all seeds are explicit: nothing else moves
        self.dataset, self.config, self.recipe = dataset, config, recipe
        self.model = build_network(recipe.architecture, config)
        self.optimizer = keras.optimizers.Adam(recipe.learning_rate)
        self.optimizer.build(self.model.trainable_variables)
        self.total = min(recipe.epochs * dataset.steps_per_epoch, recipe.max_steps)
        self.step, self.seconds = 0, 0.0
        self._update = tf.function(self._train_step, autograph=False)

    def run(self, checkpoint_dir: Path, progress: Progress) -> None:
        """Train until all steps are done or the time box is full."""
        self._restore(checkpoint_dir)
        box = self.config.max_seconds or float("inf")
        saved = since = time.monotonic() - self.seconds
        losses: list[float] = []
        batches = prefetch(self.dataset, range(self.step, self.total))
        with closing(batches):
            while self.step < self.total and self.seconds < box:
                losses.append(float(self._update(tf.constant(next(batches)))))
                self.step += 1
                self.seconds = time.monotonic() - since
                progress(self.step, self.total, f"training the encoder, loss {losses[-1]:.3f}")
                epoch_ends = self.step % self.dataset.steps_per_epoch == 0
                late = time.monotonic() - saved >= self.config.checkpoint_seconds
                if epoch_ends or late or self.step == self.total or self.seconds >= box:
                    self._save(checkpoint_dir)
                    saved = time.monotonic()
                if epoch_ends:
                    epoch, loss = self.step // self.dataset.steps_per_epoch, np.mean(losses)
                    _log.info("Epoch %d: loss %.3f, %.0f s.", epoch, loss, self.seconds)
                    losses.clear()

    def weights(self) -> list[Any]:
        """Return all variables of the network, the moving averages among them."""
        return [variable.numpy() for variable in self.model.variables]

    def _train_step(self, views: Any) -> Any:  # (2, batch, n_mels, frames)
        _, batch, n_mels, frames = views.shape
        with tf.GradientTape() as tape:
            # Both views in one pass: batch normalisation sees them as one batch.
            x = tf.reshape(views, (2 * batch, n_mels, frames, 1))
            z = self.model(x, training=True)  # (2 * batch, dim)
            loss = info_nce(z[:batch], z[batch:], temperature=self.recipe.temperature)
        variables = self.model.trainable_variables
        self.optimizer.apply(tape.gradient(loss, variables), variables)
        return loss

    def _signature(self) -> str:
        settings = self.config.model_dump(include={"chunk_frames", "seed"})
        parts = [self.config.mel_parameters(), settings, self.recipe.model_dump()]
        content = json.dumps([*parts, self.dataset.fingerprint], sort_keys=True)
        return sha256(content.encode()).hexdigest()

    def _save(self, directory: Path) -> None:
        optimizer = [variable.numpy() for variable in self.optimizer.variables]
        state = TrainingState(self._signature(), self.step, self.seconds, self.weights(), optimizer)
        save_state(directory, state)

    def _restore(self, directory: Path) -> None:
        state = load_state(directory, self._signature())
        if state is None:
            return
        self.step, self.seconds = state.step, state.seconds
        for variable, value in zip(self.model.variables, state.weights, strict=True):
            variable.assign(value)
        for variable, value in zip(self.optimizer.variables, state.optimizer, strict=True):
            variable.assign(value)
        _log.info("Training goes on from step %d of %d.", self.step, self.total)
