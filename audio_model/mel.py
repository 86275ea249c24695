"""Samples to log-mel-spectrograms in dB."""

from __future__ import annotations

from functools import lru_cache

import librosa
import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view
from scipy.fft import rfft

from audio_model.config import AudioConfig
from data.threads import one_blas_thread

FloatArray = npt.NDArray[np.float32]

_BLOCK_FRAMES = 128  # frames transformed at once: they stay in the processor's cache


@lru_cache(maxsize=8)
def _mel_basis(sr: int, n_fft: int, n_mels: int) -> FloatArray:
    # `librosa.filters` is loaded at this first use: it takes a second.
    basis = librosa.filters.mel(sr=sr, n_fft=n_fft, n_mels=n_mels)  # type: ignore[attr-defined]
    return np.asarray(basis, dtype=np.float32)


def mel_power(y: FloatArray, config: AudioConfig) -> FloatArray:
    """Return the mel power spectrogram of samples.

    Equal to `librosa.feature.melspectrogram` (Slaney mel scale and norm, periodic Hann window,
    centred frames, zero padding) to float32 precision. Computed here in blocks of frames, so that
    memory does not grow with an STFT of the whole file, and in two thirds of the time.

    Parameters
    ----------
    y : ndarray of float32, shape (n,)
        Samples at `config.sr`.
    config : AudioConfig
        `sr`, `n_fft`, `hop_length`, `n_mels`.

    Returns
    -------
    ndarray of float32, shape (n_mels, 1 + n // hop_length)
    """
    basis = _mel_basis(config.sr, config.n_fft, config.n_mels).T  # (1 + n_fft / 2, n_mels)
    window = np.hanning(config.n_fft + 1)[:-1].astype(np.float32)  # periodic
    padded = np.pad(y, config.n_fft // 2)
    frames = sliding_window_view(padded, config.n_fft)[:: config.hop_length]
    power = np.empty((len(frames), config.n_mels), np.float32)
    with one_blas_thread():
        for start in range(0, len(frames), _BLOCK_FRAMES):
            block = slice(start, start + _BLOCK_FRAMES)
            spectrum = rfft(frames[block] * window, axis=1)
            power[block] = (spectrum.real**2 + spectrum.imag**2) @ basis
    return np.ascontiguousarray(power.T)


def log_mel(y: FloatArray, config: AudioConfig) -> FloatArray:
    """Return the mel-spectrogram of samples in dB relative to its loudest value.

    As `librosa.power_to_db(power, ref=np.max, top_db=config.top_db)`, except that samples are
    scaled to a peak of 1 first, so the level of a recording is without any effect, and that values
    are rounded to what float16 holds (within 0.03 dB): a spectrogram from the cache is then the
    same as one just computed.

    Parameters
    ----------
    y : ndarray of float32, shape (n,)
        Samples at `config.sr`, finite and not all zero.
    config : AudioConfig
        See `mel_power`; and `top_db`.

    Returns
    -------
    ndarray of float32, shape (n_mels, 1 + n // hop_length)
        dB, from `-top_db` to 0.
    """
    power = mel_power(y / np.abs(y).max(), config)
    floor = np.float32(10 ** (-config.top_db / 10))
    decibels = 10 * np.log10(np.maximum(power / power.max(), floor))
    return np.asarray(decibels.astype(np.float16), dtype=np.float32)


def scale_mel(mel: npt.NDArray[np.floating], config: AudioConfig) -> FloatArray:
    """Return dB from `-top_db`..0 as 0..1: what the network is given, and noise is added to."""
    return np.asarray(mel, dtype=np.float32) / np.float32(config.top_db) + np.float32(1)
