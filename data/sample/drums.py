"""Synthesised drums: every hit is a few decaying sines and shaped noise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from scipy import signal

from data.sample.artists import Artist
from data.sample.notes import Notes
from data.sample.play import add_at
from data.sample.spectra import Array
from data.sample.wavetable import Signal


@dataclass(frozen=True)
class Kit:
    """A set of drums.

    Attributes
    ----------
    kick, snare, hat : float
        Hz: where the kick ends, the tone of the snare, the edge of the cymbals' noise.
    drop : float
        Octaves that the kick falls.
    kick_decay, snare_decay, hat_decay : float
        Seconds.
    click : float
        Attack of the kick, 0..1.
    rattle : float
        Noise in the snare, 0..1.
    metal : float
        Tones in the cymbals, 0..1; the rest is noise.
    hold : int
        Samples for which each value is held, as old chips did; 1 is off.
    """

    kick: float = 52.0
    drop: float = 2.2
    kick_decay: float = 0.16
    click: float = 0.4
    snare: float = 190.0
    snare_decay: float = 0.13
    rattle: float = 0.6
    hat: float = 6500.0
    hat_decay: float = 0.04
    metal: float = 0.3
    hold: int = 1


KITS: dict[str, Kit] = {
    "acoustic": Kit(),
    "rock": Kit(kick=60, drop=1.6, click=0.8, snare=205, snare_decay=0.17, hat=5200, metal=0.5),
    "garage": Kit(kick=72, drop=1.2, snare=240, snare_decay=0.11, rattle=0.8, hat=4200, metal=0.7),
    "jazz": Kit(kick=78, drop=0.7, kick_decay=0.1, click=0.1, rattle=0.5, hat=7500, metal=0.6),
    "brushes": Kit(kick=66, drop=0.6, kick_decay=0.12, click=0.05, rattle=0.9, snare_decay=0.2),
    "machine": Kit(kick=47, drop=3, kick_decay=0.24, snare_decay=0.15, hat=7200, metal=0.2),
    "hard machine": Kit(kick=53, drop=3.6, kick_decay=0.3, click=1, hat=8200, metal=0.1),
    "break": Kit(kick=64, drop=1.8, snare=225, snare_decay=0.12, rattle=0.75, hat=6000, metal=0.5),
    "gated": Kit(kick=55, drop=2.4, snare=175, snare_decay=0.26, rattle=0.85, hat_decay=0.05),
    "dusty": Kit(kick=58, drop=1.2, click=0.1, snare=180, rattle=0.45, hat=4500, hat_decay=0.03),
    "dub": Kit(kick=49, drop=1.4, kick_decay=0.22, snare=260, rattle=0.4, hat=6000, hat_decay=0.05),
    "chip": Kit(kick=70, drop=3.2, kick_decay=0.09, snare=150, rattle=1, hat=5000, metal=0, hold=3),
    "concert": Kit(kick=50, drop=0.6, kick_decay=0.35, hat=4000, metal=0.8),
}
"""Kits by name."""

LEVELS: dict[str, float] = {
    **{"kick": 1.0, "snare": 0.75, "clap": 0.55, "rim": 0.4, "hat": 0.28, "open": 0.32},
    **{"ride": 0.26, "crash": 0.35, "tom": 0.65, "shaker": 0.2, "tambourine": 0.25},
    **{"brush": 0.3, "timpani": 0.9, "gong": 0.9},
}
"""Amplitude of each drum; its names are those that grooves may use."""


def kit_of(artist: Artist) -> Kit:
    """Return an artist's kit, tuned and damped by the artist's knobs."""
    kit, knobs = KITS[artist.kit], artist.knobs
    size = 2.0 ** (0.6 * (knobs["body"] - 0.5))
    length = 2.0 ** (1.2 * (knobs["room"] - 0.4))
    return replace(
        kit,
        kick=kit.kick * size,
        snare=kit.snare * size**1.5,
        hat=kit.hat * 2.0 ** (0.9 * (knobs["brightness"] - 0.5)),
        kick_decay=kit.kick_decay * length,
        snare_decay=kit.snare_decay * length,
        hat_decay=kit.hat_decay * length,
        click=min(1.0, kit.click * (0.5 + knobs["punch"])),
    )


def _noise(time: Array, sr: int, band: tuple[float, float], rng: np.random.Generator) -> Array:
    high = min(band[1], 0.48 * sr)
    sos = signal.butter(2, [min(band[0], 0.7 * high), high], "bandpass", fs=sr, output="sos")
    noise = signal.sosfilt(sos, rng.standard_normal(time.size))
    return np.asarray(noise / max(float(np.abs(noise).max()), 1e-9))


def _sweep(time: Array, *, frequency: float, octaves: float, fall: float) -> Array:
    # Phase of a tone that falls exponentially from `octaves` above to its frequency.
    extra = (2.0**octaves - 1) * fall * (1 - np.exp(-time / fall))
    return np.asarray(np.sin(2 * np.pi * frequency * (time + extra)))


def _cymbal(
    kit: Kit, time: Array, sr: int, rng: np.random.Generator, *, decay: float, edge: float = 1.0
) -> Array:
    noise = _noise(time, sr, (kit.hat * edge, 0.48 * sr), rng)
    tones = np.zeros_like(time)
    for ratio in (1.0, 1.087, 1.342, 1.483, 1.617, 1.711, 1.932):
        tones += np.sin(2 * np.pi * kit.hat * edge * 0.72 * ratio * time) / 7
    return np.asarray((kit.metal * tones + (1 - kit.metal) * noise) * np.exp(-time / decay))


def _struck(kit: Kit, drum: str, time: Array) -> Array | None:
    if drum == "kick":
        body = _sweep(time, frequency=kit.kick, octaves=kit.drop, fall=0.025)
        click = kit.click * np.exp(-time / 0.003) * np.sin(2 * np.pi * 1800 * time)
        return np.asarray(body * np.exp(-time / kit.kick_decay) + click)
    if drum == "tom":
        return _sweep(time, frequency=kit.kick * 2, octaves=0.7, fall=0.06) * np.exp(-time / 0.16)
    if drum == "rim":
        return np.sin(2 * np.pi * kit.snare * 4.1 * time) * np.exp(-time / 0.015)
    if drum == "timpani":
        skin = sum(np.sin(2 * np.pi * 73.4 * r * time) / (i + 1) for i, r in enumerate((1, 1.5, 2)))
        return np.asarray(skin * np.exp(-time / 0.5) / 1.6)
    if drum == "gong":
        ratios = (1, 1.48, 1.94, 2.73, 3.4)
        modes = [np.sin(2 * np.pi * 62 * r * time) * np.exp(-time * r / 1.6) / r for r in ratios]
        return np.asarray(np.sum(modes, axis=0) / 2)
    return None


def _rattled(kit: Kit, drum: str, time: Array, sr: int, rng: np.random.Generator) -> Array:
    if drum == "snare":
        skin = np.sin(2 * np.pi * kit.snare * time) + 0.6 * np.sin(
            2 * np.pi * kit.snare * 1.7 * time
        )
        skin *= (1 - kit.rattle) * np.exp(-time / 0.07)
        wires = kit.rattle * _noise(time, sr, (kit.snare * 5, 9500), rng)
        return np.asarray(skin + 1.3 * wires * np.exp(-time / kit.snare_decay))
    if drum == "clap":
        bursts = sum(np.exp(-np.abs(time - at) / 0.004) for at in (0.0, 0.011, 0.023))
        tail = np.exp(-time / kit.snare_decay) * (time > 0.023)
        return np.asarray(_noise(time, sr, (900, 3200), rng) * (bursts + tail))
    if drum == "brush":
        swish = np.exp(-(((time - 0.06) / 0.05) ** 2))
        return _noise(time, sr, (2500, 8000), rng) * swish
    if drum in ("shaker", "tambourine"):
        edge = kit.hat * (0.9 if drum == "shaker" else 0.7)
        ring = 0.03 if drum == "shaker" else 0.09
        return _noise(time, sr, (edge, 10_500), rng) * np.exp(-(((time - 0.012) / ring) ** 2))
    decay = {"open": 0.18, "ride": 0.3, "crash": 0.7}.get(drum, kit.hat_decay)
    return _cymbal(kit, time, sr, rng, decay=decay, edge=0.75 if drum == "ride" else 1.0)


def hit(kit: Kit, drum: str, *, sr: int, rng: np.random.Generator) -> Signal:
    """Return one hit of a drum.

    Parameters
    ----------
    kit : Kit
    drum : str
        One of `LEVELS`.
    sr : int
        Sampling rate in Hz.
    rng : Generator
        For its noise.

    Returns
    -------
    ndarray of float32, shape (n,)
        Up to 2 seconds.
    """
    long = {"crash": 1.8, "gong": 2.0, "timpani": 1.6, "ride": 1.0, "kick": 0.9}
    time = np.arange(round(long.get(drum, 0.6) * sr)) / sr
    struck = _struck(kit, drum, time)
    wave = _rattled(kit, drum, time, sr, rng) if struck is None else struck
    if kit.hold > 1:
        wave = np.repeat(wave[:: kit.hold], kit.hold)[: time.size]
    fade = np.minimum(1.0, (time[-1] - time[: wave.size]) / 0.02)
    return np.asarray(LEVELS[drum] * wave * fade, dtype=np.float32)


def play_drums(
    hits: Mapping[str, Notes], kit: Kit, *, sr: int, samples: int, rng: np.random.Generator
) -> dict[str, Signal]:
    """Return the signal of each drum, shape (samples,), float32."""
    tracks = {}
    for drum, notes in sorted(hits.items()):
        out = np.zeros(samples, dtype=np.float32)
        sound = hit(kit, drum, sr=sr, rng=rng)
        for onset, velocity in zip(notes.onset, notes.velocity, strict=True):
            add_at(out, sound * np.float32(velocity), round(onset * sr))
        tracks[drum] = out
    return tracks
