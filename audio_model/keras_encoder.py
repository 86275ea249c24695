"""The encoder that is a Keras network. Importing this loads TensorFlow."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from audio_model.backend import tf
from audio_model.cache import MelCache
from audio_model.chunks import chunk_blocks
from audio_model.config import AudioConfig
from audio_model.encoder import Heard, aggregate
from audio_model.mel import sound_mel
from audio_model.network import build_network
from audio_model.recipes import Recipe, resolve_recipe
from audio_model.recording import recording_print
from audio_model.saved import (
    FORMAT,
    Description,
    one_line_errors,
    read_description,
    read_weights,
    write_encoder,
)
from data.errors import BundleError, ParameterError

FloatArray = npt.NDArray[np.float32]

_BATCH = 16  # chunks a call of the network: larger batches are no faster on a processor


class KerasEncoder:
    """A frozen network that embeds sound; see `audio_model.encoder.AudioEncoder`.

    Parameters
    ----------
    config : AudioConfig
        How its chunks are made.
    recipe : Recipe
        How it was trained; names the architecture.
    weights : list of ndarray
        All variables of the network, in its order.

    Raises
    ------
    BundleError
        If the weights do not fit the network or are not finite.
    """

    def __init__(
        self, config: AudioConfig, recipe: Recipe, weights: list[npt.NDArray[np.float32]]
    ) -> None:
        self._config = config
        self.recipe = recipe
        self._model = build_network(recipe.architecture, config)
        if [w.shape for w in weights] != [tuple(v.shape) for v in self._model.variables]:
            raise BundleError(f"The weights do not fit the network {recipe.architecture!r}.")
        if not all(np.isfinite(w).all() for w in weights):
            raise BundleError("The weights of the encoder are not all finite.")
        for variable, value in zip(self._model.variables, weights, strict=True):
            variable.assign(value)
        self._weights = weights
        self._fingerprint = _fingerprint(config, recipe, weights)
        # One fixed shape: traced once, and a chunk meets the same kernels in any company. Scaling
        # (as `scale_mel`) is a part of the graph, which does it without copies of its own.
        shape = (_BATCH, config.n_mels, config.chunk_frames)
        self._predict = tf.function(
            lambda x: self._model(x[..., tf.newaxis] / config.top_db + 1, training=False),
            input_signature=[tf.TensorSpec(shape, tf.float32)],
            autograph=False,
        )

    @classmethod
    def untrained(cls, config: AudioConfig) -> KerasEncoder:
        """Return the network of the recipe with its initial weights, decided by `config.seed`."""
        recipe = resolve_recipe(config)
        model = build_network(recipe.architecture, config)
        return cls(config, recipe, [v.numpy() for v in model.variables])

    @property
    def config(self) -> AudioConfig:
        """How its chunks are made."""
        return self._config

    @property
    def dim(self) -> int:
        """Width of an embedding."""
        return int(self._model.output_shape[-1])

    @property
    def fingerprint(self) -> str:
        """32 hexadecimal digits of the weights, the architecture and the mel settings."""
        return self._fingerprint

    def embed_chunks(self, chunks: FloatArray) -> FloatArray:
        """Embed chunks of shape (n, n_mels, chunk_frames), dB, as unit rows of shape (n, dim).

        Raises
        ------
        ParameterError
            If the chunks have another shape.
        """
        shape = (self._config.n_mels, self._config.chunk_frames)
        if chunks.ndim != 3 or chunks.shape[1:] != shape:
            raise ParameterError(
                f"`chunks` must be of shape (n, {shape[0]}, {shape[1]}). Received: {chunks.shape}."
            )
        out = np.empty((len(chunks), self.dim), np.float32)
        for start in range(0, len(chunks), _BATCH):
            part = batch = chunks[start : start + _BATCH]
            if len(part) < _BATCH:
                batch = np.zeros((_BATCH, *shape), np.float32)
                batch[: len(part)] = part
            embeddings = self._predict(tf.constant(batch, tf.float32)).numpy()
            out[start : start + len(part)] = embeddings[: len(part)]
        return out

    def embed_mel(self, mel: npt.NDArray[np.floating]) -> FloatArray:
        """Embed a log-mel-spectrogram of any length, shape (n_mels, n_frames), as shape (dim,)."""
        return aggregate(self._embed_all_chunks(mel))

    def hear_mel(self, mel: npt.NDArray[np.floating]) -> Heard:
        """Return all that is kept of a log-mel-spectrogram, dB, shape (n_mels, n_frames)."""
        recording = recording_print(mel, self._config)
        return Heard.from_chunks(self._embed_all_chunks(mel), recording)

    def _embed_all_chunks(self, mel: npt.NDArray[np.floating]) -> FloatArray:
        blocks = chunk_blocks(mel, self._config, _BATCH)  # of an hour's chunks a few are held
        return np.concatenate([self.embed_chunks(block) for block in blocks])

    def embed_file(
        self, source: Path | bytes | BinaryIO, cache: MelCache | None = None
    ) -> FloatArray:
        """Embed a sound file as shape (dim,); see `hear_file`."""
        return self.hear_file(source, cache).embedding

    def hear_file(self, source: Path | bytes | BinaryIO, cache: MelCache | None = None) -> Heard:
        """Return all that is kept of a sound file.

        Parameters
        ----------
        source : Path, bytes or binary file
            See `audio_model.decode.open_sound`.
        cache : MelCache, optional
            Where spectrograms are kept; asked only if `source` is a path.

        Raises
        ------
        AudioError
            If the file cannot be used.
        ParameterError
            If the cache holds spectrograms of other settings.
        """
        if cache is not None and isinstance(source, Path):
            cache.check(self._config)
            return self.hear_mel(cache.mel(source))
        return self.hear_mel(sound_mel(source, self._config))

    @property
    def weights(self) -> list[npt.NDArray[np.float32]]:
        """All variables of the network, in its order; not to be written to."""
        return self._weights

    def save(self, directory: Path) -> None:
        """Write `encoder.npz` (weights) and `encoder.json` (all else) to a directory."""
        about = Description(self._fingerprint, self.dim, self._config, self.recipe)
        write_encoder(directory, about, self._weights)

    @classmethod
    def load(cls, directory: Path, config: AudioConfig | None = None) -> KerasEncoder:
        """Return a saved encoder.

        Parameters
        ----------
        directory : Path
            Where it was saved.
        config : AudioConfig, optional
            Other settings than it was saved with, under which the network means the same: how
            much of a file is heard, threads, training.

        Raises
        ------
        BundleError
            If a file is missing or corrupt, was written by another version, or the weights are not
            those that the description was written for.
        """
        about = read_description(directory)
        with one_line_errors(directory):
            weights = read_weights(directory)
            encoder = cls(config or about.config, about.recipe, weights)
        if _fingerprint(about.config, about.recipe, weights) != about.fingerprint:
            where = repr(str(directory))
            raise BundleError(f"The encoder in {where} is corrupt: its weights have changed.")
        return encoder


def _fingerprint(config: AudioConfig, recipe: Recipe, weights: list[Any]) -> str:
    mel = {**config.mel_parameters(), "chunk_frames": config.chunk_frames}
    digest = sha256(json.dumps([FORMAT, recipe.architecture, mel], sort_keys=True).encode())
    for weight in weights:
        digest.update(str(weight.shape).encode())
        digest.update(np.ascontiguousarray(weight, dtype="<f4").tobytes())
    return digest.hexdigest()[:32]
