"""The systems that are compared: spectrograms to one vector a track, and one a chunk."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from audio_model.chunks import chunk_starts, split_chunks
from audio_model.config import AudioConfig
from audio_model.encoder import AudioEncoder, aggregate
from audio_model.features import mel_mfcc_summary
from engine.hearing.gallery import Gallery, IntArray, MelArray, Progress

FloatArray = npt.NDArray[np.float32]
Sound = tuple[FloatArray, FloatArray]
"""The vector of a track, shape (d,), and those of its chunks, shape (n_chunks, d)."""

BASELINE = "mfcc"
"""What every other system is compared with."""

RANDOM = "random"
"""The system that hears nothing: the floor."""

_BATCH = 64  # chunks gathered over tracks before the network is called
_RANDOM_DIM = 32


@dataclass(frozen=True)
class System:
    """One way to make vectors of sound.

    Attributes
    ----------
    name : str
    config : AudioConfig
        Its spectrograms and chunks.
    hear : callable
        Yields what it makes of each spectrogram.
    standardise : bool
        Whether each dimension is scaled to mean 0 and deviation 1 over the gallery.
    """

    name: str
    config: AudioConfig
    hear: Callable[[Iterable[MelArray]], Iterator[Sound]]
    standardise: bool = False

    @property
    def chunk_seconds(self) -> float:
        """Length of a chunk, seconds."""
        return self.config.chunk_frames * self.config.hop_length / self.config.sr


@dataclass(frozen=True)
class Scale:
    """A shift and a scale of each dimension, shape (d,)."""

    mean: npt.NDArray[np.float64]
    spread: npt.NDArray[np.float64]

    @classmethod
    def of(cls, values: FloatArray) -> Scale:
        """Return the scale that gives these rows mean 0 and standard deviation 1."""
        mean = values.mean(axis=0, dtype=np.float64)
        spread = values.std(axis=0, dtype=np.float64)
        # Rounding leaves a constant column a trace of spread, which must not be blown up.
        varies = spread > 1e-6 * np.abs(values).max(axis=0, initial=1e-30)
        return cls(mean, np.where(varies, spread, np.inf))

    def apply(self, values: FloatArray) -> FloatArray:
        """Return the rows scaled; a dimension that was constant becomes 0."""
        return np.asarray((values - self.mean) / self.spread, np.float32)


@dataclass(frozen=True)
class Vectors:
    """What a system makes of the gallery.

    Attributes
    ----------
    tracks : ndarray of float32, shape (n, d)
    passages : ndarray of float32, shape (m, d)
        The passages of `Gallery.owners`.
    scale : Scale or None
        What was done to the vectors of tracks.
    """

    tracks: FloatArray
    passages: FloatArray
    scale: Scale | None = None


@dataclass(frozen=True)
class Part:
    """The tracks that are asked of a system, and its vectors of the whole gallery.

    A system that is trained in folds has one part a fold, of another encoder each.

    Attributes
    ----------
    asked : ndarray of int64
        Positions in the gallery.
    system : System
    vectors : Vectors
    """

    asked: IntArray
    system: System
    vectors: Vectors


def mfcc_system(config: AudioConfig) -> System:
    """Return the baseline: mean and deviation of 20 MFCCs, standardised over the gallery.

    Standardising is what makes it strong: without it, the first coefficients are all there is.
    """

    def hear(mels: Iterable[MelArray]) -> Iterator[Sound]:
        for mel in mels:
            chunks = [mel_mfcc_summary(chunk) for chunk in split_chunks(mel, config)]
            yield mel_mfcc_summary(mel), np.stack(chunks)

    return System(BASELINE, config, hear, standardise=True)


def random_system(config: AudioConfig, seed: int) -> System:
    """Return vectors drawn without listening: what any system scores by chance."""

    def hear(mels: Iterable[MelArray]) -> Iterator[Sound]:
        rng = np.random.default_rng(seed)
        for mel in mels:
            count = len(chunk_starts(mel.shape[1], config))
            drawn = rng.standard_normal((1 + count, _RANDOM_DIM), dtype=np.float32)
            yield drawn[0], drawn[1:]

    return System(RANDOM, config, hear)


def encoder_system(name: str, encoder: AudioEncoder) -> System:
    """Return an encoder, whose vectors are compared as they are served."""

    def hear(mels: Iterable[MelArray]) -> Iterator[Sound]:
        waiting: list[FloatArray] = []
        for mel in mels:
            waiting.append(split_chunks(mel, encoder.config))
            if sum(map(len, waiting)) >= _BATCH:
                yield from _embed(encoder, waiting)
                waiting.clear()
        if waiting:
            yield from _embed(encoder, waiting)

    return System(name, encoder.config, hear)


def _embed(encoder: AudioEncoder, tracks: list[FloatArray]) -> Iterator[Sound]:
    bounds = np.cumsum([len(chunks) for chunks in tracks])[:-1].tolist()
    for embedded in np.split(encoder.embed_chunks(np.concatenate(tracks)), bounds):
        yield aggregate(embedded), embedded


def hear_gallery(system: System, gallery: Gallery, progress: Progress, *, label: str) -> Vectors:
    """Let a system hear every track; `progress` is told (done, total, what) under a label."""
    tracks, passages = [], []
    heard = system.hear(gallery.mels(system.config))
    picked = gallery.nearest_chunks(system.config)
    for (track, chunks), chosen in zip(heard, picked, strict=True):
        tracks.append(track)
        passages.append(chunks[chosen])
        progress(len(tracks), len(gallery), f"{label}: embedding")
    whole, parts = np.stack(tracks), np.concatenate(passages)
    if not system.standardise:
        return Vectors(whole, parts)
    scale = Scale.of(whole)
    return Vectors(scale.apply(whole), Scale.of(parts).apply(parts), scale)
