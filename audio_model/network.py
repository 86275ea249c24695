"""The networks that turn a mel-spectrogram chunk into a vector. Importing this loads TensorFlow."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from audio_model.backend import configure_runtime, keras, tf
from audio_model.config import AudioConfig
from data.checks import check_choice

_FILTERS = (32, 64, 128)
_DIM = 128
_MOMENTUM = 0.9  # Keras' 0.99 needs some 500 steps before inference resembles training


class FusedBatchNormalization(keras.layers.BatchNormalization):  # type: ignore[misc] # untyped
    """Batch normalisation over (batch, height, width) by TensorFlow's fused kernel.

    The same function as its base class, which computes it from single operations: a training step
    of the article's network takes two thirds of the time. (The kernel's moving variance has
    Bessel's correction, n / (n - 1) with n > 4000 values a channel.)
    """

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Normalise a tensor of shape (batch, height, width, channels)."""
        y, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
            x=inputs,
            scale=self.gamma.value,
            offset=self.beta.value,
            mean=tf.zeros([0]) if training else self.moving_mean.value,
            variance=tf.zeros([0]) if training else self.moving_variance.value,
            epsilon=self.epsilon,
            is_training=training,
        )
        if training:
            for moving, value in ((self.moving_mean, mean), (self.moving_variance, variance)):
                moving.assign(moving * self.momentum + value * (1 - self.momentum))
        return y


def article_network(config: AudioConfig) -> keras.Model:
    """Build the network of the article.

    Three blocks of a 3x3 convolution (32, 64, 128 filters, same padding) with ReLU, batch
    normalisation and 2x2 max pooling; global average pooling; a dense layer of 128 without
    activation; L2 normalisation.

    Parameters
    ----------
    config : AudioConfig
        `n_mels` and `chunk_frames` (128 and 129 in the article); `seed` of the initial weights.

    Returns
    -------
    keras.Model
        (batch, n_mels, chunk_frames, 1) float32, scaled to 0..1, to (batch, 128) of unit length.
    """
    layers = keras.layers
    inputs = x = keras.Input((config.n_mels, config.chunk_frames, 1))
    for block, filters in enumerate(_FILTERS):
        glorot = keras.initializers.GlorotUniform(seed=config.seed + block)
        x = layers.Conv2D(filters, 3, padding="same", activation="relu", kernel_initializer=glorot)(
            x
        )
        x = FusedBatchNormalization(momentum=_MOMENTUM)(x)
        x = layers.MaxPooling2D(2)(x)  # (batch, height / 2, width / 2, filters)
    x = layers.GlobalAveragePooling2D()(x)  # (batch, 128)
    glorot = keras.initializers.GlorotUniform(seed=config.seed + len(_FILTERS))
    x = layers.Dense(_DIM, kernel_initializer=glorot)(x)
    return keras.Model(inputs, layers.UnitNormalization(axis=-1)(x), name="article")


ARCHITECTURES: Mapping[str, Callable[[AudioConfig], keras.Model]] = MappingProxyType(
    {"article": article_network}
)
"""Functions that build a network, by the name that a recipe calls them."""


def build_network(architecture: str, config: AudioConfig) -> keras.Model:
    """Build the named network with initial weights; `ParameterError` if there is none."""
    check_choice("architecture", architecture, ARCHITECTURES.keys())
    configure_runtime(config)  # initial weights are the first thing TensorFlow computes
    return ARCHITECTURES[architecture](config)
