"""Where the frames of a spectrogram lie in sound of any sampling rate.

Sound is not resampled to the rate of the settings. Instead, frames at its own rate begin at the
same times, last as long, and are gathered into the same mel bands.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from functools import lru_cache
from math import ceil

import numpy as np
import numpy.typing as npt
from scipy.fft import next_fast_len

from audio_model.config import AudioConfig
from audio_model.filters import mel_filters

FloatArray = npt.NDArray[np.float32]

BLOCK = 32
"""Frames transformed at once: they stay in the processor's cache."""

_GROUPS = 4  # of bands: most weights are 0, and a group leaves out the bins of the others


class FrameGrid:
    """The frames of sound of one rate.

    Parameters
    ----------
    sr : int
        Sampling rate of the sound, Hz.
    config : AudioConfig
        `sr`, `n_fft`, `hop_length`, `n_mels`: frames and bands for sound of the rate `config.sr`.

    Attributes
    ----------
    length : int
        Samples in a frame: as long, in seconds, as `n_fft` samples at `config.sr`.
    n_fft : int
        Length of the transform: `length` at the rate of the settings; else the next length that
        the FFT is fast at, frames being padded with zeros.
    window : ndarray of float32, shape (length,)
        Periodic Hann window.
    n_bins : int
        Bins of the transform up to `config.sr / 2`.
    """

    def __init__(self, sr: int, config: AudioConfig) -> None:
        self._step = Fraction(sr * config.hop_length, config.sr)  # samples from frame to frame
        self.length = max(2, round(config.n_fft * sr / config.sr))
        native = sr == config.sr
        self.n_fft = config.n_fft if native else int(next_fast_len(self.length, real=True))
        self.window = np.hanning(self.length + 1)[:-1].astype(np.float32)
        width = sr / self.n_fft  # Hz a bin
        self.n_bins = 1 + min(self.n_fft // 2, int(config.sr / 2 / width))
        basis = mel_filters(np.arange(self.n_bins) * width, config.n_mels, config.sr / 2)
        # Power grows with the square of the frame's samples, its sum with the number of bins.
        level = (config.n_fft / self.length) ** 2 * width / (config.sr / config.n_fft)
        self._n_mels = config.n_mels
        self._groups = list(_groups(basis * np.float32(level)))

    def begins(self, frames: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Return the first sample of frames: negative for those centred near the beginning."""
        over, under = self._step.as_integer_ratio()
        centres = (2 * frames * over + under) // (2 * under)  # rounded
        return centres - self.length // 2

    def count(self, n_samples: int) -> int:
        """Return the number of frames of so many samples: those centred within, or at, the end."""
        return 1 + int(n_samples / self._step)

    def mel(self, power: FloatArray) -> FloatArray:
        """Gather power, shape (n, n_bins), into mel bands, shape (n, n_mels).

        A sound has the same power at every rate. Bands above half of its rate get nothing.
        """
        mel = np.empty((len(power), self._n_mels), np.float32)
        for bins, bands, weights in self._groups:
            np.matmul(power[:, bins], weights, out=mel[:, bands])
        return mel

    def cut(self, pieces: Iterable[FloatArray]) -> Iterator[list[FloatArray]]:
        """Cut sound into frames.

        What it yields depends on the sound alone, not on the pieces that it comes in.

        Parameters
        ----------
        pieces : iterable of ndarray of float32, shape (n,)
            The sound, in pieces of any lengths.

        Yields
        ------
        list of ndarray of float32, shape (length,)
            At most BLOCK consecutive frames, not windowed, with zeros before and after the sound.
            They are valid until the next are asked for.
        """
        # Wide enough for BLOCK frames wherever they begin.
        room = np.zeros(self.length + 2 + ceil(BLOCK * self._step), np.float32)
        filled = self.length // 2  # the zeros before the sound
        frame = total = 0
        for piece in pieces:
            total += len(piece)
            at = 0
            while at < len(piece):
                part = piece[at : at + len(room) - filled]
                room[filled : filled + len(part)] = part
                filled, at = filled + len(part), at + len(part)
                if filled == len(room):
                    begins = self.begins(np.arange(frame, frame + BLOCK + 1))
                    begins -= begins[0]
                    yield [room[b : b + self.length] for b in begins[:-1]]
                    filled -= int(begins[-1])
                    room[:filled] = room[len(room) - filled :].copy()
                    frame += BLOCK
        rest = np.concatenate([room[:filled], np.zeros(self.length + 2, np.float32)])
        begins = self.begins(np.arange(frame, self.count(total)))
        begins -= self.begins(np.array([frame]))[0]
        for start in range(0, len(begins), BLOCK):
            yield [rest[b : b + self.length] for b in begins[start : start + BLOCK]]


def _groups(basis: FloatArray) -> Iterator[tuple[slice, slice, FloatArray]]:
    """Yield (bins, bands, their weights) of some bands and the bins that they gather."""
    for bands in np.array_split(np.arange(basis.shape[1]), _GROUPS):
        used = np.flatnonzero(basis[:, bands].any(axis=1))
        bins = slice(used[0], used[-1] + 1) if len(used) else slice(0)
        yield bins, slice(bands[0], bands[-1] + 1), np.ascontiguousarray(basis[bins][:, bands])


@lru_cache(maxsize=8)
def frame_grid(sr: int, config: AudioConfig) -> FrameGrid:
    """Return the frames of sound of a rate (Hz); made once for the files of one folder."""
    return FrameGrid(sr, config)
