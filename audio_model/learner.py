"""A network that learns: its head, its optimizer, one step, and how it ends. Loads TensorFlow."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from audio_model.backend import keras, tf
from audio_model.config import AudioConfig
from audio_model.dataset import ChunkDataset
from audio_model.keras_encoder import KerasEncoder
from audio_model.loss import info_nce, nt_xent
from audio_model.network import PLAIN, WHITENING, build_network, projection_head
from audio_model.recipes import Recipe
from audio_model.whiten import whitening_layer
from data.errors import ParameterError

Arrays = list[npt.NDArray[Any]]

_WARM_UP = 0.05  # share of the steps in which the step size rises
_A_CLIP, _MOST = 12, 8_000  # chunks that the whitening is computed from: of a clip, in all
_FEWEST = 1_000  # of fewer, what a few sounds have in common would be blown up: it stays as it was


class Learner:
    """The encoder in training.

    Parameters
    ----------
    config : AudioConfig
        Shape of a chunk, seed, threads.
    recipe : Recipe
        All else.
    steps : int
        Length of the schedule.
    start : KerasEncoder, optional
        Whose weights to start from.

    Raises
    ------
    ParameterError
        If `start` is of another network.
    """

    def __init__(
        self, config: AudioConfig, recipe: Recipe, *, steps: int, start: KerasEncoder | None = None
    ) -> None:
        self.config, self.recipe = config, recipe
        lower = recipe.mixed_precision and computes_bfloat16()
        self.precision = "mixed_bfloat16" if lower else "float32"
        self.model = build_network(recipe.architecture, config, precision=self.precision)
        self._start = start
        if start is not None:
            _assign(self.model, start)
        self._parts = [self.model]
        self._through = self.model
        if recipe.head or recipe.whitening:
            self._through = keras.Model(self.model.inputs, self.model.get_layer(PLAIN).output)
        if recipe.head:
            self._parts.append(projection_head(config))
        self._optimizer = _optimizer(recipe, steps)
        self._optimizer.build(self._trainable())
        self._update = tf.function(self._step, autograph=False)

    def learn(self, views: Any, kin: Any) -> float:
        """Take one step on a batch of `ChunkDataset.batch`; return its loss."""
        return float(self._update(tf.constant(views), tf.constant(kin)))

    def state(self) -> tuple[Arrays, Arrays]:
        """Return all variables of the networks and of the optimizer."""
        return (
            [v.numpy() for part in self._parts for v in part.variables],
            [v.numpy() for v in self._optimizer.variables],
        )

    def restore(self, weights: Arrays, optimizer: Arrays) -> None:
        """Go back to a `state`."""
        variables = [v for part in self._parts for v in part.variables]
        for variable, value in zip(variables, weights, strict=True):
            variable.assign(value)
        for variable, value in zip(self._optimizer.variables, optimizer, strict=True):
            variable.assign(value)

    def finished(self, dataset: ChunkDataset) -> Arrays:
        """Return the variables of the encoder, averaged and whitened if so decided; learns no more.

        The mean with the weights of the start, variable by variable, keeps more of what these
        knew: Wortsman et al., "Robust fine-tuning of zero-shot models", CVPR 2022. The whitening,
        on the sound of training, stays as it was at the start if there was too little of that.
        """
        if self._start is not None and self.recipe.share < 1:
            for variable, before in zip(self.model.variables, self._start.weights, strict=True):
                variable.assign(before + self.recipe.share * (variable.numpy() - before))
        if self.recipe.whitening:
            plain = self._plain(dataset)
            if len(plain) >= _FEWEST:
                layer = whitening_layer(plain, self.recipe.whitening)
                self.model.get_layer(WHITENING).set_weights(layer)
        return [variable.numpy() for variable in self.model.variables]

    def _plain(self, dataset: ChunkDataset) -> npt.NDArray[np.float32]:
        """Embed a sample of chunks by the network without whitening, one clip after another."""
        shape = (None, self.config.n_mels, self.config.chunk_frames)
        embed = tf.function(
            lambda x: self._through(x[..., tf.newaxis], training=False),
            input_signature=[tf.TensorSpec(shape, tf.float32)],
            autograph=False,
        )
        clips = dataset.sample(_A_CLIP, most=_MOST)
        return np.concatenate([embed(tf.constant(chunks)).numpy() for chunks in clips])

    def _trainable(self) -> list[Any]:
        return [v for part in self._parts for v in part.trainable_variables]

    def _step(self, views: Any, kin: Any) -> Any:  # (2, batch, frames, n_mels), (batch, batch)
        _, batch, frames, n_mels = views.shape
        # Bands first, as the network is given them. Where it turns them round again, as `tdnn`
        # does, TensorFlow drops both turns.
        x = tf.reshape(views, (2 * batch, 1, frames, n_mels))
        x = tf.transpose(x, (0, 3, 2, 1))  # (2 * batch, n_mels, frames, 1)
        with tf.GradientTape() as tape:
            # Both views in one pass: batch normalisation sees them as one batch.
            z = self._through(x, training=True)
            for head in self._parts[1:]:
                z = head(z, training=True)  # (2 * batch, dim)
            loss = self._loss(z[:batch], z[batch:], kin)
        variables = self._trainable()
        self._optimizer.apply(tape.gradient(loss, variables), variables)
        return loss

    def _loss(self, z_a: Any, z_b: Any, kin: Any) -> Any:
        temperature = self.recipe.temperature
        if self.recipe.loss == "info_nce":
            return info_nce(z_a, z_b, temperature=temperature)
        weight = self.recipe.kin_weight
        return nt_xent(z_a, z_b, kin, temperature=temperature, kin_weight=weight)


def _optimizer(recipe: Recipe, steps: int) -> Any:
    rate = recipe.learning_rate
    schedule: Any = rate
    if recipe.schedule == "cosine":
        rise = max(1, round(_WARM_UP * steps))
        schedule = keras.optimizers.schedules.CosineDecay(
            rate / 20, max(1, steps - rise), alpha=0.01, warmup_target=rate, warmup_steps=rise
        )
    if not recipe.weight_decay:
        return keras.optimizers.Adam(schedule)
    adam = keras.optimizers.AdamW(schedule, weight_decay=recipe.weight_decay)
    adam.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    return adam


def _assign(model: keras.Model, start: KerasEncoder) -> None:
    """Give a network the weights of an encoder, which must be of the same network."""
    if [w.shape for w in start.weights] != [tuple(v.shape) for v in model.variables]:
        raise ParameterError(
            f"Training by this recipe cannot start from an encoder of {start.recipe.architecture!r}"
            ", which is another network."
        )
    for variable, value in zip(model.variables, start.weights, strict=True):
        variable.assign(value)


@lru_cache(maxsize=1)
def computes_bfloat16() -> bool:
    """Say whether the processor multiplies bfloat16 itself; elsewhere training is slower by it."""
    if tf.config.list_physical_devices("GPU"):
        return True
    try:
        flags = Path("/proc/cpuinfo").read_text("utf-8")
    except OSError:
        return False
    return "avx512_bf16" in flags or "amx_bf16" in flags
