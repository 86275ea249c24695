"""The networks that turn a mel-spectrogram chunk into a vector. Importing this loads TensorFlow."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from audio_model.backend import configure_runtime, keras, tf
from audio_model.config import AudioConfig
from data.checks import check_choice

_FILTERS = (32, 64, 128)
_DIM = 128
PLAIN, WHITENING = "plain", "whitening"
"""Names of the layers before and of the whitening, in networks that can be whitened."""

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


class Statistics(keras.layers.Layer):  # type: ignore[misc] # untyped
    """Mean, standard deviation and maximum over time: (batch, 1, time, c) to (batch, 3 c)."""

    def call(self, inputs: Any) -> Any:
        """Pool a tensor."""
        mean, variance = tf.nn.moments(inputs, axes=[1, 2])
        deviation = tf.sqrt(variance + 1e-5)  # the root has no slope at zero
        return tf.concat([mean, deviation, tf.reduce_max(inputs, axis=[1, 2])], axis=-1)


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


def tdnn_network(config: AudioConfig) -> keras.Model:
    """Build a time-delay network: convolutions along time over all mel bands at once.

    A stem and three residual blocks, which halve the frames twice; mean, standard deviation and
    maximum of each channel over time; a dense layer of 128; the `whitening` layer, which leaves
    things as they are until training ends; L2 normalisation. After Snyder et al., "X-Vectors"
    (2018), where the pooling of statistics comes from. Bands are not moved over one another, so
    where in the spectrum something sounds is kept; all multiplications are matrix products, which
    is what processors are quick at.

    Parameters
    ----------
    config : AudioConfig
        `n_mels` and `chunk_frames`; `seed` of the initial weights.

    Returns
    -------
    keras.Model
        (batch, n_mels, chunk_frames, 1) float32, scaled to 0..1, to (batch, 128) of unit length.
        Under a mixed precision policy everything up to the pooling is computed in the lower one.
    """
    layers = keras.layers
    seeds = itertools.count(config.seed * 1_000)

    def conv(x: Any, filters: int, width: int, stride: int = 1) -> Any:
        uniform = keras.initializers.GlorotUniform(seed=next(seeds))
        kernel = {"strides": (1, stride), "padding": "same", "kernel_initializer": uniform}
        x = layers.Conv2D(filters, (1, width), use_bias=False, **kernel)(x)
        return layers.ReLU()(FusedBatchNormalization(momentum=_MOMENTUM)(x))

    def residual(x: Any) -> Any:
        filters = x.shape[-1]
        return layers.Add()([x, conv(conv(x, filters, 3), filters, 1)])

    inputs = keras.Input((config.n_mels, config.chunk_frames, 1), dtype="float32")
    x = layers.Permute((3, 2, 1))(inputs)  # (batch, 1, frames, n_mels)
    x = FusedBatchNormalization(momentum=_MOMENTUM)(x)  # each band by itself
    x = residual(conv(x, 224, 5, stride=2))  # (batch, 1, frames / 2, 224)
    x = residual(residual(conv(x, 288, 3, stride=2)))  # (batch, 1, frames / 4, 288)
    x = Statistics(dtype="float32")(conv(x, 384, 1))  # (batch, 3 * 384)
    x = layers.BatchNormalization(momentum=_MOMENTUM, dtype="float32")(x)
    glorot = keras.initializers.GlorotUniform(seed=next(seeds))
    x = layers.Dense(_DIM, kernel_initializer=glorot, name=PLAIN, dtype="float32")(x)
    x = layers.Dense(
        _DIM, kernel_initializer="identity", name=WHITENING, trainable=False, dtype="float32"
    )(x)
    return keras.Model(inputs, layers.UnitNormalization(axis=-1, dtype="float32")(x), name="tdnn")


ARCHITECTURES: Mapping[str, Callable[[AudioConfig], keras.Model]] = MappingProxyType(
    {"article": article_network, "tdnn": tdnn_network}
)
"""Functions that build a network, by the name that a recipe calls them."""


def build_network(
    architecture: str, config: AudioConfig, *, precision: str = "float32"
) -> keras.Model:
    """Build the named network with initial weights.

    Parameters
    ----------
    architecture : str
        A name in `ARCHITECTURES`.
    config : AudioConfig
        Shape of a chunk, seed, threads.
    precision : str
        Keras' policy of layers: "float32", or "mixed_bfloat16" to train faster. Weights are
        float32 in any case.

    Raises
    ------
    ParameterError
        If there is no such network.
    """
    check_choice("architecture", architecture, ARCHITECTURES.keys())
    configure_runtime(config)  # initial weights are the first thing TensorFlow computes
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy(precision)
    try:
        return ARCHITECTURES[architecture](config)
    finally:
        keras.config.set_dtype_policy(policy)


def projection_head(config: AudioConfig) -> keras.Model:
    """Build what training looks through: (batch, 128) to (batch, 128) of unit length.

    Normalisation, ReLU and a dense layer. What the loss wants forgotten is forgotten here rather
    than in the embedding (Chen et al. 2020, section 4.2); it is dropped when training ends.
    """
    layers = keras.layers
    inputs = keras.Input((_DIM,))
    x = layers.ReLU()(layers.BatchNormalization(momentum=_MOMENTUM)(inputs))
    glorot = keras.initializers.GlorotUniform(seed=config.seed * 1_000 + 999)
    x = layers.Dense(_DIM, kernel_initializer=glorot)(x)
    return keras.Model(inputs, layers.UnitNormalization(axis=-1)(x), name="head")
