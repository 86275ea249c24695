"""Sound to log-mel-spectrograms in dB, at whatever rate it was recorded."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt
from scipy.fft import rfft

from audio_model.config import AudioConfig
from audio_model.decode import open_sound
from audio_model.frames import BLOCK, FrameGrid, frame_grid
from data.threads import one_blas_thread

FloatArray = npt.NDArray[np.float32]
HalfArray = npt.NDArray[np.float16]

_STEP = 0.01  # dB: in such steps levels are held until the loudest one is known
_PIECE = 65_536  # samples, or frames, handled at once where there are many


def sound_mel(source: Path | bytes | BinaryIO, config: AudioConfig) -> HalfArray:
    """Return the log-mel-spectrogram of a sound file.

    The same as `log_mel` of its mono samples, computed while it is decoded: of the sound itself no
    more than a moment is held, so an hour takes 40 MB with the default settings.

    Parameters
    ----------
    source : Path, bytes or binary file
        The file, its content, or an open file that can seek, read from its position.
    config : AudioConfig
        Mel settings, `min_duration` and `max_duration`.

    Returns
    -------
    ndarray of float16, shape (n_mels, n_frames)
        dB, from `-top_db` to 0. In memory, frames follow one another (Fortran order).

    Raises
    ------
    AudioError
        See `audio_model.decode.open_sound`.
    """
    with one_blas_thread(), open_sound(source, config) as sound:
        levels = _Levels(config)
        for power in _power(sound, frame_grid(sound.sr, config)):
            levels.add(power)
    return levels.finish()


def log_mel(y: FloatArray, config: AudioConfig, *, sr: int | None = None) -> FloatArray:
    """Return the mel-spectrogram of samples in dB relative to its loudest value.

    As `librosa.power_to_db(power, ref=np.max, top_db=config.top_db)` of `mel_power`, except that
    values are rounded to what float16 holds (within 0.04 dB): a spectrogram from the cache is then
    the same as one just computed. The level of a recording is without any effect.

    Parameters
    ----------
    y : ndarray of float32, shape (n,)
        Samples, finite and not all zero.
    config : AudioConfig
        Mel settings.
    sr : int, optional
        Sampling rate of the samples, Hz; by default that of the settings.

    Returns
    -------
    ndarray of float32, shape (n_mels, n_frames)
        dB, from `-top_db` to 0; see `mel_power`.
    """
    levels = _Levels(config)
    with one_blas_thread():
        for power in _power([y], frame_grid(sr or config.sr, config)):
            levels.add(power)
    return np.asarray(levels.finish(), dtype=np.float32)


def mel_power(y: FloatArray, config: AudioConfig, *, sr: int | None = None) -> FloatArray:
    """Return the mel power spectrogram of samples.

    Slaney mel scale and norm, periodic Hann window, centred frames, zero padding. At the rate of
    the settings equal to `librosa.feature.melspectrogram` to float32 precision. At another rate
    frames are at the same times and of the same length in seconds (begins rounded to a sample) and
    bands cover the same frequencies, so it is what resampling first would give but for what a
    resampling filter leaves out near the top. Bands above half of the sound's rate are 0.

    Parameters
    ----------
    y, config, sr
        See `log_mel`.

    Returns
    -------
    ndarray of float32, shape (n_mels, n_frames)
        `n_frames` is 1 + the number of whole hops in the sound's duration.
    """
    with one_blas_thread():
        return np.concatenate(list(_power([y], frame_grid(sr or config.sr, config)))).T


def scale_mel(mel: npt.NDArray[np.floating], config: AudioConfig) -> FloatArray:
    """Return dB from `-top_db`..0 as 0..1: what the network is given, and noise is added to."""
    return np.asarray(mel, dtype=np.float32) / np.float32(config.top_db) + np.float32(1)


def _power(pieces: Iterable[FloatArray], grid: FrameGrid) -> Iterator[FloatArray]:
    """Yield the mel power of consecutive frames, shape (at most BLOCK, n_mels)."""
    padded = np.zeros((BLOCK, grid.n_fft), np.float32)
    for frames in grid.cut(pieces):
        for row, frame in zip(padded, frames, strict=False):
            np.multiply(frame, grid.window, out=row[: grid.length])
        spectrum = rfft(padded[: len(frames)], axis=1)[:, : grid.n_bins]
        yield grid.mel(spectrum.real**2 + spectrum.imag**2)


class _Levels:
    """Levels of frames relative to a loudest value that is known only at the end.

    Held as int16 in hundredths of a dB below the loudest value so far: half of the size of float32,
    and the same for a recording at any level.
    """

    def __init__(self, config: AudioConfig) -> None:
        self._top_db, self._n_mels = config.top_db, config.n_mels
        self._peak = 0.0
        self._held = bytearray()
        self._blocks: list[tuple[int, float]] = []  # frames, and the loudest value until then

    def add(self, power: FloatArray) -> None:
        """Take the next frames, mel power of shape (n, n_mels)."""
        self._peak = max(self._peak, float(power.max()))
        self._blocks.append((len(power), self._peak))
        relative = power / np.float32(self._peak or 1)
        floor = np.float32(10 ** (-self._top_db / 10))
        steps = np.log(np.maximum(relative, floor)) * np.float32(10 / np.log(10) / _STEP)
        self._held += np.rint(steps).astype(np.int16).tobytes()

    def finish(self) -> HalfArray:
        """Return dB relative to the loudest of all, shape (n_mels, n_frames)."""
        steps = np.frombuffer(self._held, np.int16).reshape(-1, self._n_mels)
        mel = steps.view(np.float16)  # in place: a long recording has no room for both
        at = 0
        for n, peak in self._blocks:
            shift = 10 * np.log10(peak / self._peak) if peak else -np.inf
            level = steps[at : at + n] * np.float32(_STEP) + np.float32(shift)
            mel[at : at + n] = np.maximum(level, np.float32(-self._top_db))
            at += n
        return mel.T
