"""Two views of each chunk: what contrastive training must recognise as the same sound.

A view function is given whole spectrograms and where each chunk begins, so that a recipe may also
take its second view from elsewhere in the track.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from audio_model.augment import crop, equalise, mask, mix
from audio_model.chunks import cut_chunk
from audio_model.config import AudioConfig
from audio_model.mel import scale_mel
from audio_model.recipes import Recipe

FloatArray = npt.NDArray[np.float32]
Anchors = Sequence[tuple[npt.NDArray[np.floating], int]]
"""One (spectrogram in dB of shape (n_mels, n_frames), first frame of the chunk) a chunk."""

ViewFunction = Callable[[Anchors, AudioConfig, Recipe, np.random.Generator], FloatArray]


def gaussian_noise(
    anchors: Anchors, config: AudioConfig, recipe: Recipe, rng: np.random.Generator
) -> FloatArray:
    """Return each chunk twice, each time with its own Gaussian noise.

    Parameters
    ----------
    anchors : sequence of (ndarray, int), length b
        The chunks.
    config : AudioConfig
        `chunk_frames`, `top_db`.
    recipe : Recipe
        `noise_std`, on the scale on which -top_db..0 dB is 0..1.
    rng : numpy.random.Generator
        Source of the noise.

    Returns
    -------
    ndarray of float32, shape (2, b, n_mels, chunk_frames)
        Scaled chunks; row i of the first and of the second are the same sound.
    """
    chunks = np.stack([cut_chunk(mel, start, config) for mel, start in anchors])
    noise = rng.standard_normal((2, *chunks.shape), dtype=np.float32)
    noise *= np.float32(recipe.noise_std)
    noise += scale_mel(chunks, config)
    return noise


def crops(
    anchors: Anchors, config: AudioConfig, recipe: Recipe, rng: np.random.Generator
) -> FloatArray:
    """Return two crops of each track from anywhere in it, each changed in its own way.

    Parameters
    ----------
    anchors : sequence of (ndarray, int), length b
        The spectrograms; where an anchor stands in them doesn't matter.
    config : AudioConfig
        `chunk_frames`, `top_db`.
    recipe : Recipe
        Its `augmentation`. A track that is mixed in is another one of the batch.
    rng : numpy.random.Generator
        Source of all chance.

    Returns
    -------
    ndarray of float32, shape (2, b, n_mels, chunk_frames)
        Scaled to 0..1; row i of the first and of the second are of the same track.
    """
    how, width, b = recipe.augmentation, config.chunk_frames, len(anchors)
    floor, scale = np.float32(-config.top_db), np.float32(1 / config.top_db)
    views = np.empty((2, b, config.n_mels, width), np.float32)
    for view in views:
        for i, (mel, _) in enumerate(anchors):
            x = crop(mel, width, rng, stretch=how.stretch, bands=how.pitch_bands)
            if rng.random() < how.mix:
                other, _ = anchors[(i + int(rng.integers(1, b))) % b]
                mix(x, crop(other, width, rng), rng.uniform(*how.mix_db))
            if rng.random() < how.equalise:
                knobs = int(rng.integers(3, 6))
                equalise(x, rng.uniform(-how.equalise_db, how.equalise_db, knobs))
            x += np.float32(rng.uniform(*how.gain_db))
            np.clip(x, floor, 0, out=x)
            mask(x, how, rng)
            np.multiply(x.T, scale, out=view[i])
    views += 1
    return views


VIEWS: Mapping[str, ViewFunction] = MappingProxyType(
    {"gaussian_noise": gaussian_noise, "crops": crops}
)
"""View functions by the name that a recipe calls them."""
