"""The encoder that is a Keras network. Importing this loads TensorFlow."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from audio_model.arrays import UNREADABLE, read_arrays, write_arrays
from audio_model.backend import tf
from audio_model.cache import MelCache
from audio_model.chunks import split_chunks
from audio_model.config import AudioConfig
from audio_model.decode import load_audio
from audio_model.encoder import aggregate
from audio_model.mel import log_mel, scale_mel
from audio_model.network import build_network
from audio_model.recipes import Recipe, resolve_recipe
from data.errors import BundleError, ParameterError
from data.files import write_atomically

FloatArray = npt.NDArray[np.float32]

_FORMAT = 1
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
        # One fixed shape: traced once, and a chunk meets the same kernels in any company.
        shape = (_BATCH, config.n_mels, config.chunk_frames, 1)
        self._predict = tf.function(
            lambda x: self._model(x, training=False),
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
        batch = np.zeros((_BATCH, *shape, 1), np.float32)
        for start in range(0, len(chunks), _BATCH):
            part = chunks[start : start + _BATCH]
            batch[: len(part), ..., 0] = scale_mel(part, self._config)
            out[start : start + len(part)] = self._predict(tf.constant(batch)).numpy()[: len(part)]
        return out

    def embed_mel(self, mel: npt.NDArray[np.floating]) -> FloatArray:
        """Embed a log-mel-spectrogram of any length, shape (n_mels, n_frames), as shape (dim,)."""
        return aggregate(self.embed_chunks(split_chunks(mel, self._config)))

    def embed_file(
        self, source: Path | bytes | BinaryIO, cache: MelCache | None = None
    ) -> FloatArray:
        """Embed a sound file as shape (dim,).

        Parameters
        ----------
        source : Path, bytes or binary file
            See `audio_model.decode.load_audio`.
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
            return self.embed_mel(cache.mel(source))
        return self.embed_mel(log_mel(load_audio(source, self._config), self._config))

    def save(self, directory: Path) -> None:
        """Write `encoder.npz` (weights) and `encoder.json` (all else) to a directory."""
        description = {
            "format": _FORMAT,
            "fingerprint": self._fingerprint,
            "dim": self.dim,
            "config": self._config.model_dump(),
            "recipe": self.recipe.model_dump(),
        }
        arrays = {f"w{i:03d}": weight for i, weight in enumerate(self._weights)}
        write_arrays(directory / "encoder.npz", arrays)
        text = json.dumps(description, indent=2) + "\n"
        write_atomically(directory / "encoder.json", text.encode())

    @classmethod
    def load(cls, directory: Path) -> KerasEncoder:
        """Return a saved encoder.

        Raises
        ------
        BundleError
            If a file is missing or corrupt, was written by another version, or the weights are not
            those that the description was written for.
        """
        where = repr(str(directory))
        try:
            description = json.loads((directory / "encoder.json").read_text("utf-8"))
            if description["format"] != _FORMAT:
                raise BundleError(f"The encoder in {where} is of another version; train it anew.")
            config = AudioConfig(**description["config"])
            recipe = Recipe(**description["recipe"])
            weights = list(read_arrays(directory / "encoder.npz").values())
            expected = description["fingerprint"]
            encoder = cls(config, recipe, weights)
        except FileNotFoundError as error:
            raise BundleError(f"There is no encoder in {where}; train one.") from error
        except (*UNREADABLE, ParameterError) as error:
            reason = " ".join(str(error).split())
            raise BundleError(f"The encoder in {where} is corrupt ({reason:.120}).") from error
        if encoder.fingerprint != expected:
            raise BundleError(f"The encoder in {where} is corrupt: its weights have changed.")
        return encoder


def _fingerprint(config: AudioConfig, recipe: Recipe, weights: list[Any]) -> str:
    mel = {**config.mel_parameters(), "chunk_frames": config.chunk_frames}
    digest = sha256(json.dumps([_FORMAT, recipe.architecture, mel], sort_keys=True).encode())
    for weight in weights:
        digest.update(str(weight.shape).encode())
        digest.update(np.ascontiguousarray(weight, dtype="<f4").tobytes())
    return digest.hexdigest()[:32]
