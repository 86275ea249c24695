"""Spectra of instruments: how loud each harmonic is, in each of several shades.

Here `at` is always the frequencies of the harmonics in Hz, ascending, the fundamental first.
"""

from __future__ import annotations

from collections.abc import Callable
from zlib import crc32

import numpy as np
import numpy.typing as npt
from scipy import fft

from data.sample.voices import Voice

FRAMES = 16
"""Shades of a voice, from dark to bright or, for a string, from pluck to rest."""

Array = npt.NDArray[np.float64]
Spectra = npt.NDArray[np.complex128]

_VOWEL = ((650.0, 1.0), (1080.0, 0.6), (2450.0, 0.3))  # Hz and gain of the formants of an "ah"


def harmonics(shape: str, at: Array) -> Array:
    """Return the amplitudes of the harmonics of a waveform.

    Parameters
    ----------
    shape : str
        One of `SHAPES`.
    at : ndarray of float64, shape (n,)

    Returns
    -------
    ndarray of float64, shape (n,)
        Negative amplitudes are in opposite phase.
    """
    k = np.round(at / at[0])
    odd = k % 2
    if shape == "voice":
        formants = [gain * np.exp(-(((at - peak) / 180.0) ** 2)) for peak, gain in _VOWEL]
        return np.asarray((0.06 + np.sum(formants, axis=0)) / k**0.7)
    if shape in ("triangle", "steps"):
        rough = 0.06 * (k % 16 == 15) / k if shape == "steps" else 0.0
        return np.asarray(odd / k**2 * np.where(k % 4 == 1, 1, -1) + rough)
    return np.asarray(_PLAIN[shape](k, odd), dtype=np.float64)


_PLAIN: dict[str, Callable[[Array, Array], Array]] = {
    "sine": lambda k, odd: np.where(k == 1, odd, 0.0),
    "saw": lambda k, _: 1 / k,
    "square": lambda k, odd: odd / k,
    "pulse": lambda k, _: np.sin(np.pi * k * 0.25) / k,
    "thin": lambda k, _: np.sin(np.pi * k * 0.125) / k,
    "organ": lambda k, _: np.where(np.isin(k, (1, 2, 3, 4, 6, 8)), np.exp(-k / 5), 0.0),
    "glass": lambda k, _: np.where(np.isin(k, (1, 3, 5, 8, 13)), 1 / k, 0.0),
    "brass": lambda k, _: np.exp(-k / 7) * (1 - np.exp(-k)),
    "reed": lambda k, odd: odd / k**0.6 * np.exp(-k / 12) + (1 - odd) * 0.25 / k,
    "sax": lambda k, odd: (odd + 0.55 * (1 - odd)) / k**0.8 * np.exp(-k / 14),
    "flute": lambda k, _: np.select([k == 1, k == 2, k == 3], [1.0, 0.35, 0.12], 0.4 / k**2.5),
}

SHAPES = ("voice", "triangle", "steps", *_PLAIN)
"""Waveforms by name."""


def filter_spectra(voice: Voice, at: Array, *, brightness: float) -> Spectra:
    """Return a waveform through a resonant low-pass filter that opens by `voice.sweep` octaves.

    Parameters
    ----------
    voice : Voice
    at : ndarray of float64, shape (n,)
    brightness : float
        Factor on the cut-off.

    Returns
    -------
    ndarray of complex128, shape (16, n)
    """
    shades = np.linspace(0.0, voice.sweep, FRAMES)[:, None]
    tracking = (at[0] / 261.6) ** 0.4
    octaves = np.log2(at / (voice.cutoff * brightness * tracking * 2.0**shades))
    gain = 1 / np.sqrt(1 + 16.0 ** np.clip(octaves, -8, 8))  # 12 dB an octave
    gain *= 1 + 5 * voice.resonance * np.exp(-((octaves / 0.22) ** 2))
    return np.asarray(gain * harmonics(voice.shape, at) * -1j)


def string_decay(at: Array, *, ring: float, loop: float) -> Array:
    """Return how fast each harmonic of a Karplus-Strong string decays.

    The loop averages two neighbouring samples once a period of the string, which multiplies a
    harmonic at f by cos(pi f / loop) each time (Karplus & Strong, *Computer Music Journal* 7(2),
    1983). A loss common to all harmonics is added: 60 dB in `ring`.

    Parameters
    ----------
    at : ndarray of float64, shape (n,)
    ring : float
        Seconds.
    loop : float
        Rate of the loop, Hz.

    Returns
    -------
    ndarray of float64, shape (n,)
        1/s.
    """
    angle = np.minimum(np.pi * at / loop, 1.55)
    return np.asarray(np.log(1000.0) / ring - at[0] * np.log(np.cos(angle)))


def string_times(ring: float) -> Array:
    """Return the seconds after the pluck of each shade of a string, shape (16,)."""
    return np.asarray(ring * np.linspace(0.0, 1.0, FRAMES) ** 2)


def string_spectra(voice: Voice, at: Array, *, brightness: float) -> Spectra:
    """Return a string at `string_times`, plucked with a burst of noise.

    Parameters and result are those of `filter_spectra`.
    """
    # The burst is the same whenever the string is plucked at this pitch.
    burst = np.random.default_rng([crc32(voice.kind.encode()), round(at[0] * 100)])
    k = at / at[0]
    pluck = np.abs(np.sin(np.pi * k * voice.pick)) / k**0.7
    pluck *= burst.uniform(0.6, 1.0, k.size) / np.sqrt(1 + (at / (voice.cutoff * brightness)) ** 4)
    decay = string_decay(at, ring=voice.ring, loop=22_050.0 * brightness**0.5)
    phases = np.exp(2j * np.pi * burst.random(k.size))
    return np.asarray(pluck * phases * np.exp(-string_times(voice.ring)[:, None] * decay))


def fm_spectra(voice: Voice, at: Array, *, brightness: float) -> Spectra:
    """Return two operators whose index goes up to `voice.index` (Chowning, *JAES* 21(7), 1973).

    Parameters and result are those of `filter_spectra`.
    """
    angle = 2 * np.pi * np.arange(1024) / 1024
    carrier, modulator = voice.ratio
    index = voice.index * brightness**0.7 * np.linspace(0.08, 1.0, FRAMES)[:, None]
    wave = np.sin(carrier * angle + index * np.sin(modulator * angle))
    return np.asarray(fft.rfft(wave)[:, 1 : at.size + 1])
