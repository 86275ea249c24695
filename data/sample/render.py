"""From a score to stereo sound: instruments, buses, room, master."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from data.sample import effects
from data.sample.artists import Artist, stream
from data.sample.compose import Score
from data.sample.drums import kit_of, play_drums
from data.sample.play import Player, Tone, play_part, tone_of
from data.sample.style import Bus
from data.sample.voices import VOICES
from data.sample.wavetable import Signal

SR = 22_050
"""Sampling rate of the sample, Hz: that of the audio model, so that nothing is resampled."""

_REFERENCE = -20.0  # dB, of a bus with a gain of 0
_MONO = 0.6  # of `width`
_FADE = 0.35  # seconds, at the end
_SIDES = {"bass": 0.0, "drums": 0.25, "chords": 1.0, "arp": 0.8, "lead": 0.35}


def render(score: Score) -> npt.NDArray[np.float32]:
    """Play a score.

    Parameters
    ----------
    score : Score

    Returns
    -------
    ndarray of float32, shape (round(seconds * 22050), 1 or 2)
        Within ±0.8. Artists of little `width` record in mono.
    """
    artist, samples = score.plan.artist, round(score.plan.seconds * SR)
    rng = stream(artist.number, "room", artist.style.slug)
    buses = _parts(score, tone_of(artist, sr=SR), samples)
    hits = play_drums(score.drums, kit_of(artist), sr=SR, samples=samples, rng=rng)
    if hits:
        buses["drums"] = np.sum(list(hits.values()), axis=0, dtype=np.float32)
    mix = np.zeros((1 if artist.knobs["width"] < _MONO else 2, samples), dtype=np.float32)
    to_room, to_echo = np.zeros((2, samples), dtype=np.float32)
    for name, wave in buses.items():
        bus = artist.style.buses.get(name, Bus())
        wet = _bus(artist, name, wave)
        mix += wet if len(mix) == 1 else _widened(artist, name, wet)
        to_room += np.float32(bus.reverb) * wet
        to_echo += np.float32(bus.echo) * wet
    if to_echo.any():
        repeats = effects.echo(to_echo, SR, delay=0.75 * 60.0 / score.plan.tempo)
        mix += np.float32(0.7) * (repeats if len(mix) > 1 else repeats.mean(axis=0))
    mix += _room(artist, to_room, rng, channels=len(mix))
    return _master(artist, mix, rng)


def _parts(score: Score, tone: Tone, samples: int) -> dict[str, Signal]:
    artist, waves = score.plan.artist, {}
    kick = score.drums.get("kick")
    for part, notes in score.parts.items():
        wave = play_part(Player(VOICES[artist.voices[part]], tone), notes, samples=samples)
        if "duck" in artist.style.effects and kick is not None:
            wave = effects.duck(wave, SR, beats=kick.onset)
        waves[part] = wave
    return waves


def _bus(artist: Artist, name: str, wave: Signal) -> Signal:
    bus = artist.style.buses.get(name, Bus())
    amount = bus.drive * (0.5 + artist.knobs["drive"])
    wave = effects.chorus(effects.drive(wave, SR, amount=amount), SR, depth=bus.chorus)
    punch = 8.0 * (artist.knobs["punch"] - 0.5) if name == "drums" else 0.0
    return effects.level(wave, SR, decibels=_REFERENCE + bus.gain + punch)


def _widened(artist: Artist, name: str, wave: Signal) -> Signal:
    # Left and right get a short delay with opposite signs: their sum, mono, is the wave itself.
    share = artist.knobs["width"] * _SIDES[name]
    late = round(SR * (0.009 + 0.004 * _SIDES[name]))
    side = np.zeros_like(wave)
    side[late:] = effects.split(wave[:-late], SR, cutoff=250.0)[1] * np.float32(0.7 * share)
    return np.stack([wave + side, wave - side])


def _room(artist: Artist, wave: Signal, rng: np.random.Generator, *, channels: int) -> Signal:
    knobs = artist.knobs
    room = effects.impulse_response(
        SR, seconds=0.25 * 2.0 ** (4.0 * knobs["room"]), brightness=knobs["brightness"], rng=rng
    )
    return np.float32(1.1 * knobs["space"]) * effects.reverb(wave, room[:channels])


def _master(artist: Artist, mix: Signal, rng: np.random.Generator) -> npt.NDArray[np.float32]:
    knobs, special = artist.knobs, artist.style.effects
    mix = effects.tilt(mix, SR, decibels=9.0 * (knobs["tilt"] - 0.5))
    mix = effects.level(mix, SR, decibels=-23.0 + 10.0 * knobs["level"])
    if "wow" in special:
        mix = np.stack([effects.warp(side, SR, seconds=0.0012, hertz=0.7) for side in mix])
        mix = effects.lowpass(mix, SR, cutoff=3800.0 + 3500.0 * knobs["brightness"])
    if "crackle" in special:
        mix = mix + effects.crackle(mix.shape[1], SR, rng)
    if "crush" in special:
        mix = effects.crush(mix, bits=7)
    mix = effects.limit(mix)
    fade = round(min(_FADE, mix.shape[1] / SR / 4) * SR)
    mix[:, -fade:] *= np.linspace(1.0, 0.0, fade, dtype=np.float32)
    return np.ascontiguousarray(mix.T)
