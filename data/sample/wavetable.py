"""Banks of single-cycle waveforms, band-limited, and how they are read.

A bank holds one cycle in each of several shades; a tone is read from it by two signals, the phase
(which sample of the cycle) and the position (which shade). A filter that closes, a string that
loses its overtones and an FM index that decays are then all a position that moves, and no sample
needs a loop.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import fft

from data.sample.spectra import (
    FRAMES,
    Array,
    filter_spectra,
    fm_spectra,
    string_spectra,
)
from data.sample.voices import Voice

CYCLE = 1024
"""Samples of a cycle, a power of two."""

Signal = npt.NDArray[np.float32]

_SPECTRA = {"filter": filter_spectra, "string": string_spectra, "fm": fm_spectra}


def make_bank(
    voice: Voice, frequency: float, *, sr: int, brightness: float = 1.0, body: float = 0.0
) -> Signal:
    """Return the cycles of a voice at a pitch.

    Parameters
    ----------
    voice : Voice
        Of kind "filter", "string" or "fm".
    frequency : float
        Cycles a second, Hz.
    sr : int
        Sampling rate in Hz; nothing above half of it is in the bank.
    brightness : float
        Factor on cut-off frequencies.
    body : float
        Hz, centre of a broad resonance of the instrument; 0 is none.

    Returns
    -------
    ndarray of float32, shape (16, 1024)
        The loudest cycle has unit RMS. A string's cycles go from pluck to rest, the others from
        dark to bright.
    """
    count = max(1, min(CYCLE // 2 - 1, int(0.48 * sr / frequency)))
    at = frequency * np.arange(1.0, count + 1.0)
    spectra = np.zeros((FRAMES, CYCLE // 2 + 1), dtype=np.complex128)
    spectra[:, 1 : count + 1] = _SPECTRA[voice.kind](voice, at, brightness=brightness)
    if body:
        spectra[:, 1 : count + 1] *= 0.6 + 1.4 * np.exp(-((np.log2(at / body) / 0.5) ** 2))
    cycles = fft.irfft(spectra, CYCLE)
    loudest = np.sqrt((cycles**2).mean(axis=1).max())
    return np.asarray(cycles / max(loudest, 1e-12), dtype=np.float32)


def read_bank(bank: Signal, phase: Array, position: Signal) -> Signal:
    """Read a tone from a bank.

    Parameters
    ----------
    bank : ndarray of float32, shape (frames, cycle)
    phase : ndarray of float64, shape (n,)
        Cycles, from 0 to 2 million.
    position : ndarray of float32, shape (n,)
        From the first frame, 0, to the last, 1; neighbouring frames are mixed.

    Returns
    -------
    ndarray of float32, shape (n,)
    """
    frames, cycle = bank.shape
    row = np.clip(position, 0.0, 1.0) * np.float32(frames - 1)
    low = np.minimum(row.astype(np.int32), frames - 2)
    at = (phase * cycle).astype(np.int32)
    at &= cycle - 1
    at += low * cycle
    flat = bank.ravel()
    first = flat[at]
    return np.asarray(first + (row - low.astype(np.float32)) * (flat[at + cycle] - first))
