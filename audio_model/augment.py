"""Changes of a mel-spectrogram that leave the music what it is.

All work on levels, 0 being the loudest, frames first as they lie in memory: a crop is of shape
(n_frames, n_mels). `crop` cuts one from a spectrogram; the others change one in place. What chance
has a part in is decided for a whole batch, by `audio_model.chances`.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from audio_model.half import HalfArray, widen

FloatArray = npt.NDArray[np.float32]
Span = tuple[int, int]
"""First, and one past the last."""


def crop(
    mel: HalfArray,
    where: float,
    out: FloatArray,
    *,
    step: float = 1.0,
    shift: int = 0,
    unit: float = 1.0,
) -> None:
    """Cut a piece from a spectrogram, faster or slower, higher or lower.

    Frames are taken at even steps, rounded down; a spectrogram that is too short begins again.

    Parameters
    ----------
    mel : ndarray of float16, shape (n_mels, any)
        dB, finite.
    where : float
        From 0 (its first place) to below 1 (its last): where the piece begins.
    out : ndarray of float32, shape (n_frames, n_mels)
        Receives the piece.
    step : float
        Frames of the spectrogram that one of the piece stands for: above 1 is faster.
    shift : int
        Bands that everything moves down by, the outermost repeated; negative: up.
    unit : float
        What 1 dB is in the piece.
    """
    length, n_frames = mel.shape[1], len(out)
    places = max(1, length - int(np.ceil(n_frames * step)) + 1)
    frames = int(where * places) + (np.arange(n_frames) * step).astype(np.int64)
    piece = mel.T.take(frames, axis=0, mode="wrap")
    widen(_shifted(piece, shift) if shift else piece, out, times=unit)


def _shifted(x: HalfArray, bands: int) -> HalfArray:
    """Move all bands down by so many (up, if negative), the outermost repeated."""
    moved = np.empty_like(x)
    if bands > 0:
        moved[:, :-bands], moved[:, -bands:] = x[:, bands:], x[:, -1:]
    else:
        moved[:, -bands:], moved[:, :-bands] = x[:, :bands], x[:, :1]
    return moved


def mix(x: FloatArray, other: FloatArray, softer: float) -> None:
    """Put another crop behind one, `softer` below its own level: the louder sound masks.

    The other one is lowered in place.
    """
    other -= np.float32(softer)
    np.maximum(x, other, out=x)


def tone_curve(knobs: npt.NDArray[np.floating], n_mels: int) -> npt.NDArray[np.float64]:
    """Return what a tone control adds to each band.

    Its knobs are evenly spread over the bands and joined by lines.
    """
    where = np.linspace(0, n_mels - 1, len(knobs))
    curve: npt.NDArray[np.float64] = np.interp(np.arange(n_mels), where, knobs)
    return curve


def mask(x: FloatArray, bands: Iterable[Span], spans: Iterable[Span]) -> None:
    """Replace bands and spans of time by the mean level (SpecAugment; Park et al. 2019)."""
    level = np.add.reduce(x.ravel()) / x.size  # half of the time of `x.mean()`
    for first, end in bands:
        x[:, first:end] = level
    for first, end in spans:
        x[first:end] = level
