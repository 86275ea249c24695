"""The baseline that a trained encoder has to beat: mean and deviation of MFCCs."""

from __future__ import annotations

import librosa
import numpy as np
import numpy.typing as npt

from audio_model.config import AudioConfig
from audio_model.mel import log_mel

FloatArray = npt.NDArray[np.float32]

N_MFCC = 20
"""Coefficients kept; the summary is twice as wide."""


def mfcc_summary(y: FloatArray, config: AudioConfig) -> FloatArray:
    """Return the mean and standard deviation of the MFCCs of samples.

    Parameters
    ----------
    y : ndarray of float32, shape (n,)
        Samples at `config.sr`.
    config : AudioConfig
        See `audio_model.mel.log_mel`.

    Returns
    -------
    ndarray of float32, shape (40,)
        20 means over time, then 20 standard deviations.
    """
    return mel_mfcc_summary(log_mel(y, config))


def mel_mfcc_summary(mel: npt.NDArray[np.floating]) -> FloatArray:
    """Return the same (see `mfcc_summary`) of a log-mel-spectrogram of shape (n_mels, n_frames).

    MFCCs are the orthonormal type-II cosine transform of the bands.
    """
    mfcc = librosa.feature.mfcc(S=np.asarray(mel, dtype=np.float32), n_mfcc=N_MFCC)
    summary = np.concatenate([mfcc.mean(axis=1), mfcc.std(axis=1)])
    return np.asarray(summary, dtype=np.float32)
