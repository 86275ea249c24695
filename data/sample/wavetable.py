"""Banks of single-cycle waveforms, band-limited, and how they are read.

A bank holds one cycle in each of several shades; a tone is read from it by two signals, the phase
(which sample of the cycle) and the position (which shade). A filter that closes, a string that
loses its overtones and an FM index that decays are then all a position that moves, and no sample
needs a loop.
"""

from __future__ import annotations

from zlib import crc32

import numpy as np
import numpy.typing as npt
from scipy import fft

from data.sample.voices import Voice

FRAMES = 16
CYCLE = 1024
"""Samples of a cycle, a power of two."""

_HARMONICS = np.arange(1, CYCLE // 2 + 1, dtype=np.float64)

Array = npt.NDArray[np.float64]
Signal = npt.NDArray[np.float32]


def _formants(frequency: Array, peaks: tuple[tuple[float, float], ...]) -> Array:
    bumps = [gain * np.exp(-(((frequency - at) / 180.0) ** 2)) for at, gain in peaks]
    return np.asarray(0.06 + np.sum(bumps, axis=0))


def harmonics(shape: str, frequency: float) -> Array:
    """Return the amplitudes of the harmonics of a waveform.

    Parameters
    ----------
    shape : str
        One of `SHAPES`.
    frequency : float
        Of the fundamental in Hz; matters for shapes with fixed formants.

    Returns
    -------
    ndarray of float64, shape (512,)
        From the fundamental up. Negative amplitudes are in opposite phase.
    """
    k = _HARMONICS
    odd = k % 2
    table = {
        "sine": (k == 1) * 1.0,
        "saw": 1 / k,
        "square": odd / k,
        "triangle": odd / k**2 * np.where(k % 4 == 1, 1, -1),
        "pulse": np.sin(np.pi * k * 0.25) / k,
        "thin": np.sin(np.pi * k * 0.125) / k,
        "steps": odd / k**2 * np.where(k % 4 == 1, 1, -1) + 0.06 * (k % 16 == 15) / k,
        "organ": np.isin(k, (1, 2, 3, 4, 6, 8)) * np.exp(-k / 5),
        "glass": np.isin(k, (1, 3, 5, 8, 13)) / k,
        "brass": np.exp(-k / 7) * (1 - np.exp(-k)),
        "reed": odd / k**0.6 * np.exp(-k / 12) + (1 - odd) * 0.25 / k,
        "sax": (odd + 0.55 * (1 - odd)) / k**0.8 * np.exp(-k / 14),
        "flute": np.select([k == 1, k == 2, k == 3], [1.0, 0.35, 0.12], 0.4 / k**2.5),
        "voice": _formants(k * frequency, ((650, 1.0), (1080, 0.6), (2450, 0.3))) / k**0.7,
    }
    return np.asarray(table[shape], dtype=np.float64)


SHAPES = (
    *("sine", "saw", "square", "triangle", "pulse", "thin", "steps", "organ"),
    *("glass", "brass", "reed", "sax", "flute", "voice"),
)


def _filter_spectra(
    voice: Voice, frequency: float, brightness: float
) -> npt.NDArray[np.complex128]:
    at = _HARMONICS * frequency
    shades = np.linspace(0.0, voice.sweep, FRAMES)[:, None]
    tracking = (frequency / 261.6) ** 0.4
    cutoff = voice.cutoff * brightness * tracking * 2.0**shades
    octaves = np.log2(at / cutoff)  # (frames, harmonics)
    gain = 1 / np.sqrt(1 + 2.0 ** (4 * np.clip(octaves, -8, 8)))
    gain *= 1 + 5 * voice.resonance * np.exp(-((octaves / 0.22) ** 2))
    return np.asarray(gain * harmonics(voice.shape, frequency) * -1j)


def string_decay(frequency: float, *, ring: float, loop: float) -> Array:
    """Return how fast each harmonic of a Karplus-Strong string decays.

    The loop averages two neighbouring samples once a period, so that a harmonic at f is multiplied
    by cos(pi f / loop) each period (Karplus & Strong, *Computer Music Journal* 7(2), 1983; Jaffe &
    Smith, same issue, equation 9); a common loss makes the lowest decay by 60 dB in `ring`.

    Parameters
    ----------
    frequency, loop : float
        Of the string, and the rate of the loop, Hz.
    ring : float
        Seconds.

    Returns
    -------
    ndarray of float64, shape (512,)
        1/s.
    """
    angle = np.minimum(np.pi * _HARMONICS * frequency / loop, 1.55)
    return np.asarray(np.log(1000.0) / ring - frequency * np.log(np.cos(angle)))


def _string_spectra(
    voice: Voice, frequency: float, brightness: float
) -> npt.NDArray[np.complex128]:
    # The burst of noise is the same whenever this string is plucked at this pitch.
    burst = np.random.default_rng([crc32(voice.kind.encode()), round(frequency * 100)])
    k, at = _HARMONICS, _HARMONICS * frequency
    pluck = np.abs(np.sin(np.pi * k * voice.pick)) / k**0.7
    pluck *= burst.uniform(0.6, 1.0, k.size) / np.sqrt(1 + (at / (voice.cutoff * brightness)) ** 4)
    times = voice.ring * np.linspace(0, 1, FRAMES)[:, None] ** 2
    decay = string_decay(frequency, ring=voice.ring, loop=22_050.0 * brightness**0.5)
    phases = np.exp(2j * np.pi * burst.random(k.size))
    return np.asarray(pluck * np.exp(-times * decay) * phases)


def _fm_spectra(voice: Voice, brightness: float) -> npt.NDArray[np.complex128]:
    angle = 2 * np.pi * np.arange(CYCLE) / CYCLE
    carrier, modulator = voice.ratio
    index = voice.index * brightness**0.7 * np.linspace(0.08, 1, FRAMES)[:, None]
    return np.asarray(fft.rfft(np.sin(carrier * angle + index * np.sin(modulator * angle)))[:, 1:])


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
    if voice.kind == "filter":
        spectra = _filter_spectra(voice, frequency, brightness)
    elif voice.kind == "string":
        spectra = _string_spectra(voice, frequency, brightness)
    else:
        spectra = _fm_spectra(voice, brightness)
    at = _HARMONICS * frequency
    if body:
        spectra = spectra * (0.6 + 1.4 * np.exp(-((np.log2(at / body) / 0.5) ** 2)))
    spectra = np.where(at < 0.48 * sr, spectra, 0)
    cycles = fft.irfft(np.pad(spectra, ((0, 0), (1, 0))), CYCLE)
    loudest = np.sqrt((cycles**2).mean(axis=1).max())
    return np.asarray(cycles / max(loudest, 1e-12), dtype=np.float32)


def read_bank(bank: Signal, phase: Array, position: Array) -> Signal:
    """Read a tone from a bank.

    Parameters
    ----------
    bank : ndarray of float32, shape (frames, cycle)
    phase : ndarray of float64, shape (n,)
        Cycles.
    position : ndarray of float64, shape (n,)
        0..1, from the first frame to the last; neighbouring frames are mixed.

    Returns
    -------
    ndarray of float32, shape (n,)
    """
    frames, cycle = bank.shape
    column = (phase * cycle).astype(np.int64) & (cycle - 1)
    row = np.clip(position, 0.0, 1.0) * (frames - 1)
    low = np.minimum(row.astype(np.int64), frames - 2)
    at = low * cycle + column
    flat = bank.ravel()
    first = flat[at]
    return np.asarray(first + (row - low).astype(np.float32) * (flat[at + cycle] - first))
