"""Effects: loudness, drive, chorus, echo, reverb, tilt, tape and dust.

Signals are float32 of shape (n,), or (2, n) for left and right.
"""

from __future__ import annotations

import numpy as np
from scipy import fft, signal

from data.sample.wavetable import Signal

_WINDOW = 0.05  # seconds, of the short-time loudness


def loudness(wave: Signal, sr: int) -> float:
    """Return the RMS of the moments in which a signal sounds.

    The 80th percentile over windows of 50 ms, those 30 dB below the loudest left out: one drum
    stroke a bar is as loud as many.
    """
    size = max(1, min(int(_WINDOW * sr), wave.shape[-1]))
    whole = wave[..., : wave.shape[-1] // size * size].astype(np.float64)
    power = (whole**2).reshape(*wave.shape[:-1], -1, size).mean(axis=-1)
    return float(np.sqrt(np.percentile(power[power >= 1e-3 * power.max()], 80)))


def level(wave: Signal, sr: int, *, decibels: float) -> Signal:
    """Scale a signal so that its `loudness` is so many dB below (or above) full scale."""
    return wave * np.float32(10.0 ** (decibels / 20.0) / max(loudness(wave, sr), 1e-6))


def drive(wave: Signal, sr: int, *, amount: float) -> Signal:
    """Saturate a signal, 0 (hardly) to 1 (fuzz), through the roll-off of a speaker cabinet."""
    if amount <= 0.0:
        return wave
    shaped = np.tanh(level(wave, sr, decibels=-18 + 36 * amount))
    if amount < 0.3:
        return np.asarray(shaped, dtype=np.float32)
    return lowpass(shaped, sr, cutoff=5200.0 - 1500.0 * amount)


def lowpass(wave: Signal, sr: int, *, cutoff: float) -> Signal:
    """Take away what is above a cut-off in Hz, 12 dB an octave."""
    b, a = signal.butter(2, min(cutoff, 0.45 * sr), fs=sr)
    return np.asarray(signal.lfilter(b, a, wave, axis=-1), dtype=np.float32)


def split(wave: Signal, sr: int, *, cutoff: float) -> tuple[Signal, Signal]:
    """Return what is below and what is above a cut-off; they add up to the whole."""
    share = 1.0 - np.exp(-2 * np.pi * cutoff / sr)
    low = signal.lfilter([share], [1.0, share - 1.0], wave, axis=-1).astype(np.float32)
    return low, wave - low


def tilt(wave: Signal, sr: int, *, decibels: float) -> Signal:
    """Raise what is above 900 Hz by so many dB, and lower what is below by as many."""
    low, high = split(wave, sr, cutoff=900.0)
    gain = np.float32(10.0 ** (decibels / 20.0))
    return low / gain + high * gain


def warp(wave: Signal, sr: int, *, seconds: float, hertz: float) -> Signal:
    """Play a signal with a delay that swings between 0 and twice `seconds`."""
    at = np.arange(wave.size)
    delay = seconds * sr * (1.0 - np.cos(2 * np.pi * hertz * at / sr))
    return np.interp(at - delay, at, wave).astype(np.float32)


def chorus(wave: Signal, sr: int, *, depth: float) -> Signal:
    """Mix a signal with a copy that is slowly delayed and brought back."""
    if depth <= 0.0:
        return wave
    return wave + np.float32(0.7 * depth) * warp(wave, sr, seconds=0.004, hertz=0.6)


def echo(wave: Signal, sr: int, *, delay: float, feedback: float = 0.5) -> Signal:
    """Return the repeats of a signal, left and right in turn, each darker than the last."""
    out = np.zeros((2, wave.size), dtype=np.float32)
    step, repeat, number = max(1, round(delay * sr)), wave, 1
    while step * number < wave.size and feedback**number > 0.02:
        repeat = lowpass(repeat, sr, cutoff=3200.0) * np.float32(feedback)
        out[number % 2, step * number :] += repeat[: wave.size - step * number]
        number += 1
    return out


def impulse_response(
    sr: int, *, seconds: float, brightness: float, rng: np.random.Generator
) -> Signal:
    """Return a room: noise that decays by 60 dB in `seconds`, treble first.

    Returns
    -------
    ndarray of float32, shape (2, n)
        Unit energy a channel.
    """
    size = max(64, round(min(seconds, 4.0) * sr))
    time = np.arange(size) / sr
    noise: Signal = rng.standard_normal((2, size)).astype(np.float32)
    low, high = split(noise, sr, cutoff=600.0 + 2500.0 * brightness)
    decay = np.exp(-time * np.log(1000.0) / seconds)
    room = low * decay + high * decay**2.2
    room *= np.minimum(1.0, time / 0.012)
    return np.asarray(room / np.sqrt((room**2).sum(axis=1, keepdims=True)), dtype=np.float32)


def reverb(wave: Signal, room: Signal) -> Signal:
    """Return a signal in a room, one row a row of the room, cut to the signal's length."""
    size = fft.next_fast_len(wave.size + room.shape[1], real=True)
    product = fft.rfft(room, size) * fft.rfft(wave, size)
    return np.asarray(fft.irfft(product, size)[:, : wave.size], dtype=np.float32)


def crush(wave: Signal, *, bits: int) -> Signal:
    """Round a signal to so many bits."""
    steps = np.float32(2 ** (bits - 1))
    return np.asarray(np.round(wave * steps) / steps, dtype=np.float32)


def crackle(samples: int, sr: int, rng: np.random.Generator) -> Signal:
    """Return the dust and hiss of an old record."""
    clicks = np.zeros(samples, dtype=np.float32)
    count = max(1, round(9 * samples / sr))
    clicks[rng.integers(0, samples, count)] = rng.normal(0.0, 0.25, count)
    hiss = rng.standard_normal(samples).astype(np.float32) * np.float32(0.006)
    return lowpass(clicks, sr, cutoff=5500.0) + lowpass(hiss, sr, cutoff=4000.0)


def duck(wave: Signal, sr: int, *, beats: np.ndarray[tuple[int], np.dtype[np.float64]]) -> Signal:
    """Lower a signal at each of the beats (seconds) for a moment, as a side-chain does."""
    if not beats.size:
        return wave
    time = np.arange(wave.size) / sr
    last = np.searchsorted(beats, time, side="right") - 1
    since = np.where(last >= 0, time - beats[np.maximum(last, 0)], 10.0)
    return np.asarray(wave * (1.0 - 0.7 * np.exp(-since / 0.09)), dtype=np.float32)


def limit(wave: Signal, *, ceiling: float = 0.8) -> Signal:
    """Bend peaks smoothly so that nothing exceeds the ceiling; quiet parts stay as they are."""
    knee = 0.6 * ceiling
    over = np.maximum(np.abs(wave) - knee, 0.0)
    bent = np.minimum(np.abs(wave), knee) + (ceiling - knee) * np.tanh(over / (ceiling - knee))
    return np.asarray(np.sign(wave) * bent, dtype=np.float32)
