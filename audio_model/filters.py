"""The mel filter bank: which frequencies each band of a spectrogram gathers.

Written here rather than taken from librosa, whose import takes a second in each process that
decodes, and whose banks are for the bins of one sampling rate only.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

# Slaney, Auditory Toolbox, 1998: linear up to 1 kHz (15 mel), logarithmic above, where 27 mel more
# are a factor of 6.4.
_LINEAR = 200 / 3  # Hz a mel
_CORNER = 1000.0  # Hz
_STEP = np.log(6.4) / 27


def hz_to_mel(hertz: npt.ArrayLike) -> Floats:
    """Return frequencies (Hz, of any shape) on Slaney's mel scale."""
    low, high = np.minimum(hertz, _CORNER), np.maximum(hertz, _CORNER)
    return np.asarray(low / _LINEAR + np.log(high / _CORNER) / _STEP)


def mel_edges(n_mels: int, highest: float) -> Floats:
    """Return the frequencies between which the triangles of the bands are drawn.

    Parameters
    ----------
    n_mels : int
        Bands.
    highest : float
        Where the last band ends, Hz.

    Returns
    -------
    ndarray of float64, shape (n_mels + 2,)
        Hz, equally far apart on the mel scale from 0 to `highest`. Band i rises from entry i to
        entry i + 1 and falls to entry i + 2.
    """
    mel = np.linspace(0.0, hz_to_mel(highest), n_mels + 2)
    corner = _CORNER / _LINEAR
    return np.where(mel < corner, mel * _LINEAR, _CORNER * np.exp(_STEP * (mel - corner)))


def mel_filters(
    frequencies: npt.NDArray[np.floating], n_mels: int, highest: float
) -> npt.NDArray[np.float32]:
    """Return the weight of each frequency in each band.

    Triangles of equal area (norm "slaney"). At the frequencies of an FFT's bins, equal to
    `librosa.filters.mel`.

    Parameters
    ----------
    frequencies : ndarray of float64, shape (n_bins,)
        Hz, of whatever bins the spectrum has.
    n_mels, highest
        See `mel_edges`.

    Returns
    -------
    ndarray of float32, shape (n_bins, n_mels)
        At least 0; 0 above `highest`.
    """
    edges = mel_edges(n_mels, highest)
    left, centre, right = edges[:-2], edges[1:-1], edges[2:]
    rising = (frequencies[:, np.newaxis] - left) / (centre - left)
    falling = (right - frequencies[:, np.newaxis]) / (right - centre)
    triangles = np.maximum(np.minimum(rising, falling), 0)
    return np.asarray(triangles * (2 / (right - left)), dtype=np.float32)
