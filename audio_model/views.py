"""Two views of each chunk: what contrastive training must recognise as the same sound.

A view function is given whole spectrograms and where each chunk begins, so that a recipe may also
take its second view from elsewhere in the track. It returns views with frames first, as they lie in
memory.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from audio_model.augment import crop, mask, mix
from audio_model.chances import draw_chances
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
    ndarray of float32, shape (2, b, chunk_frames, n_mels)
        Scaled chunks; row i of the first and of the second are the same sound.
    """
    chunks = np.stack([cut_chunk(mel, start, config) for mel, start in anchors])
    noise = rng.standard_normal((2, *chunks.shape), dtype=np.float32)
    noise *= np.float32(recipe.noise_std)
    noise += scale_mel(chunks, config)
    return noise.swapaxes(2, 3)


def crops(
    anchors: Anchors, config: AudioConfig, recipe: Recipe, rng: np.random.Generator
) -> FloatArray:
    """Return two crops of each track from anywhere in it, each changed in its own way.

    Parameters
    ----------
    anchors : sequence of (ndarray of float16, int), length b
        The spectrograms; where an anchor stands in them doesn't matter.
    config : AudioConfig
        `chunk_frames`, `top_db`.
    recipe : Recipe
        Its `augmentation`. A track that is mixed in is another one of the batch.
    rng : numpy.random.Generator
        Source of all chance.

    Returns
    -------
    ndarray of float32, shape (2, b, chunk_frames, n_mels)
        Scaled to 0..1; row i of the first and of the second are of the same track.
    """
    mels, b, unit = [mel for mel, _ in anchors], len(anchors), 1 / config.top_db
    views = np.empty((2 * b, config.chunk_frames, config.n_mels), np.float32)
    drawn = draw_chances(recipe.augmentation, views.shape, rng, tracks=b)
    lift = 1 + np.float32(unit) * drawn.lift  # from -1..0, 0 being the loudest, to 0..1
    bands, spans = drawn.bands.tolist(), drawn.spans.tolist()
    other = np.empty_like(views[0])
    for i, x in enumerate(views):
        crop(mels[i % b], drawn.where[i], x, step=drawn.step[i], shift=drawn.shift[i], unit=unit)
        if drawn.behind[i]:
            crop(mels[(i + drawn.behind[i]) % b], drawn.behind_where[i], other, unit=unit)
            mix(x, other, drawn.softer[i] * unit)
        np.add(x, lift[i], out=x)
        np.clip(x, np.float32(0), np.float32(1), out=x)
        mask(x, bands[i], spans[i])
    return views.reshape(2, b, config.chunk_frames, config.n_mels)


VIEWS: Mapping[str, ViewFunction] = MappingProxyType(
    {"gaussian_noise": gaussian_noise, "crops": crops}
)
"""View functions by the name that a recipe calls them."""
