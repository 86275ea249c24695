"""Changes of a mel-spectrogram that leave the music what it is.

All work on dB, frames first: a crop is of shape (chunk_frames, n_mels), so that frames lie together
in memory. `crop` makes one from a spectrogram; the others change one in place.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from audio_model.recipes import Augmentation

FloatArray = npt.NDArray[np.float32]
Mel = npt.NDArray[np.floating]


def crop(
    mel: Mel, n_frames: int, rng: np.random.Generator, *, stretch: float = 0, bands: float = 0
) -> FloatArray:
    """Return a piece from anywhere in a spectrogram, faster or slower, higher or lower.

    Frames are taken at even steps, rounded; a spectrogram that is too short begins again. Bands
    move by a whole number, the outermost repeated: 3 of 128 bands are 1 semitone or more.

    Parameters
    ----------
    mel : ndarray, shape (n_mels, any)
        dB.
    n_frames : int
        Length of the crop.
    rng : numpy.random.Generator
    stretch : float
        The tempo changes by a factor of e^-stretch to e^stretch, uniform in its logarithm.
    bands : float
        The bands move by up to so many.

    Returns
    -------
    ndarray of float32, shape (n_frames, n_mels)
    """
    step = np.exp(rng.uniform(-stretch, stretch)) if stretch else 1.0
    shift = round(rng.uniform(-bands, bands)) if bands else 0
    length = mel.shape[1]
    start = int(rng.integers(0, max(1, length - int(np.ceil(n_frames * step)) + 1)))
    frames = (start + (np.arange(n_frames) * step).astype(np.int64)) % length
    found: FloatArray = np.asarray(mel).T.take(frames, axis=0).astype(np.float32)
    if shift:
        found = _shifted(found, shift)
    return found


def _shifted(x: FloatArray, bands: int) -> FloatArray:
    """Move all bands down by so many (up, if negative), the outermost repeated."""
    moved = np.empty_like(x)
    if bands > 0:
        moved[:, :-bands], moved[:, -bands:] = x[:, bands:], x[:, -1:]
    else:
        moved[:, -bands:], moved[:, :-bands] = x[:, :bands], x[:, :1]
    return moved


def mix(x: FloatArray, other: FloatArray, softer: float) -> None:
    """Put another crop behind one, `softer` dB below its own level: the louder sound masks."""
    np.maximum(x, other - np.float32(softer), out=x)


def equalise(x: FloatArray, knobs: npt.NDArray[np.floating]) -> None:
    """Turn the knobs of a tone control, in dB, evenly spread over the bands and joined by lines."""
    bands = np.arange(x.shape[1])
    curve = np.interp(bands, np.linspace(0, x.shape[1] - 1, len(knobs)), knobs)
    x += curve.astype(np.float32)


def mask(x: FloatArray, how: Augmentation, rng: np.random.Generator) -> None:
    """Replace some bands and spans of time by the mean level (SpecAugment; Park et al. 2019)."""
    n_frames, n_mels = x.shape
    level = x.mean()
    widest = (min(how.mask_bands, n_mels), max(1, int(how.mask_share * n_frames)))
    for _ in range(how.masks):
        width = int(rng.integers(0, widest[0]))
        start = int(rng.integers(0, n_mels - width))
        x[:, start : start + width] = level
        width = int(rng.integers(0, widest[1]))
        start = int(rng.integers(0, n_frames - width))
        x[start : start + width] = level
