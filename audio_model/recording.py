"""A print of a recording: 32 bits a step, by which the same recording is found again.

After Haitsma and Kalker, "A Highly Robust Audio Fingerprinting System" (ISMIR 2002): a bit says
whether the difference between two neighbouring bands grows or falls from one moment to the next.
Unlike there, energies are compressed before they are averaged, and averaged over 0.8 s, so that
twelve words a second survive a cut at any sample: a print takes 2.9 kB a minute.

Bits come from 200 to 3,600 Hz only, which every codec and every telephone keeps. The level of a
recording and a steady equalisation change no bit.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from audio_model.config import AudioConfig
from audio_model.filters import hz_to_mel
from data.threads import one_blas_thread

FloatArray = npt.NDArray[np.float32]
Words = npt.NDArray[np.uint32]

WORDS_A_SECOND = 12
"""Words of a print for each second of the recording."""

WORD_BITS = 32
"""Bits of a word, one for each pair of neighbouring bands."""

_LOW, _HIGH = 200.0, 3600.0  # Hz, centres of the outer bands
_HALF_SPAN = 0.8  # seconds before and after the moment of a word that it compares
_COMPRESSION = 0.3  # energy to about loudness: else one drum stroke decides over a whole span
_BLOCK = 1024  # words made at once
_QUIET = 0.5  # dB: where bands differ less than this, bits would be those of the codec's noise


def recording_print(mel: npt.NDArray[np.floating], config: AudioConfig) -> Words:
    """Return the print of a recording.

    Parameters
    ----------
    mel : ndarray of shape (n_mels, n_frames)
        Log-mel-spectrogram in dB, see `audio_model.mel.log_mel`.
    config : AudioConfig
        `sr`, `hop_length` and `n_mels` of the spectrogram. Prints of different settings are
        not made to be compared.

    Returns
    -------
    ndarray of uint32, shape (n_words,)
        One word a 1/12 s; 0 where nothing changes (silence, a steady tone), which says nothing of
        the recording. None for a recording shorter than 1.6 s.
    """
    frames_a_second = config.sr / config.hop_length
    seconds = (mel.shape[1] - 1) / frames_a_second - 2 * _HALF_SPAN
    n_words = max(0, 1 + math.floor(seconds * WORDS_A_SECOND + 1e-6))
    moments = (_HALF_SPAN + np.arange(n_words) / WORDS_A_SECOND) * frames_a_second
    half_span = _HALF_SPAN * frames_a_second
    words = np.empty(n_words, np.uint32)
    for start in range(0, n_words, _BLOCK):  # memory does not grow with the recording
        block = slice(start, start + _BLOCK)
        words[block] = _words(mel, config, moments[block], half_span=half_span)
    return words


def _words(
    mel: npt.NDArray[np.floating],
    config: AudioConfig,
    moments: npt.NDArray[np.float64],
    *,
    half_span: float,
) -> Words:
    """Return the words of some moments, shape (n,), both given in frames."""
    first = int(moments[0] - half_span)
    loudness = _loudness(mel[:, first : int(moments[-1] + half_span) + 2], config)
    heard = np.concatenate([np.zeros((1, loudness.shape[1])), np.cumsum(loudness, axis=0)])
    # Frame i is centred on its time, so it lasts from i - 0.5 to i + 0.5.
    at = moments - first + 0.5
    start, middle, end = (_interpolate(heard, at + s) for s in (-half_span, 0, half_span))
    change = (10 / _COMPRESSION) * np.log10((end - middle) / (middle - start))  # dB, (n, 33)
    differences = np.diff(change, axis=1)  # (n, 32)
    words = np.packbits(differences > 0, axis=1, bitorder="little").view("<u4")[:, 0]
    return np.where(differences.std(axis=1) < _QUIET, 0, words).astype(np.uint32)


def _loudness(mel: npt.NDArray[np.floating], config: AudioConfig) -> npt.NDArray[np.float64]:
    """Return the compressed energy in 33 bands, shape (n_frames, 33)."""
    weights, first = _band_weights(config.sr, config.n_mels)
    used = np.asarray(mel[first : first + weights.shape[1]], dtype=np.float32)
    with one_blas_thread():
        loudness = weights @ 10 ** (used * np.float32(_COMPRESSION / 10))
    return loudness.T.astype(np.float64)


@lru_cache(maxsize=8)
def _band_weights(sr: int, n_mels: int) -> tuple[FloatArray, int]:
    """Return how much of each mel band a band of the print takes, and the first band it takes.

    Bands are evenly spaced in mel. They overlap their neighbours by half; where the spectrogram is
    coarser than they are, they interpolate between its bands.
    """
    ends = hz_to_mel(np.array([_LOW, min(_HIGH, sr / 2), sr / 2]))
    bands = np.linspace(ends[0], ends[1], WORD_BITS + 1)
    # Band i of the spectrogram is centred on (i + 1) / (n_mels + 1) of the whole range.
    centres = np.clip(bands / ends[2] * (n_mels + 1) - 1, 0, n_mels - 1)
    reach = max(1.0, centres[1] - centres[0])
    weights = np.maximum(0, 1 - np.abs(centres[:, np.newaxis] - np.arange(n_mels)) / reach)
    used = np.flatnonzero(weights.any(axis=0))
    part = weights[:, used[0] : used[-1] + 1]
    return (part / part.sum(axis=1, keepdims=True)).astype(np.float32), int(used[0])


def _interpolate(
    rows: npt.NDArray[np.float64], at: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Return rows between rows, at fractional positions of shape (n,), as shape (n, bands)."""
    below = np.minimum(at.astype(np.int64), len(rows) - 2)
    part = (at - below)[:, np.newaxis]
    return np.asarray(rows[below] * (1 - part) + rows[below + 1] * part)
