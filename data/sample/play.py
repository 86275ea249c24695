"""Notes of one instrument into a signal."""

from __future__ import annotations

from dataclasses import dataclass, field
from zlib import crc32

import numpy as np
from scipy import signal

from data.sample.artists import Artist
from data.sample.notes import Notes
from data.sample.theory import hertz
from data.sample.voices import VOICES, Voice
from data.sample.wavetable import Array, Signal, make_bank, read_bank

_VIBRATO_HZ = 5.3
_SPREAD = (-1.0, 0.83, 0.12)  # of detuned copies; uneven, so that they don't beat in step
_LAYERS = 4  # loudness is rounded to so many, each of its own brightness


@dataclass(frozen=True)
class Tone:
    """What an artist makes of an instrument.

    Attributes
    ----------
    sr : int
        Sampling rate in Hz.
    brightness, attack, detune, vibrato : float
        Factors on those of the instrument.
    body : float
        Hz, the resonance of all the artist's instruments.
    """

    sr: int
    brightness: float = 1.0
    attack: float = 1.0
    detune: float = 1.0
    vibrato: float = 1.0
    body: float = 0.0


def tone_of(artist: Artist, *, sr: int) -> Tone:
    """Return the tone that an artist's knobs make."""
    knobs = artist.knobs
    return Tone(
        sr=sr,
        brightness=2.0 ** (3.2 * (knobs["brightness"] - 0.5)),
        attack=2.0 ** (3.0 * (knobs["attack"] - 0.4)),
        detune=0.3 + 1.4 * knobs["detune"],
        vibrato=2.0 * knobs["vibrato"],
        body=300.0 * 2.0 ** (3.2 * knobs["body"]),
    )


def envelope(voice: Voice, time: Array, *, held: float, attack: float) -> Array:
    """Return the loudness of a note.

    Parameters
    ----------
    voice : Voice
    time : ndarray of float64, shape (n,)
        Seconds since the onset.
    held : float
        Seconds until the release.
    attack : float
        Seconds; long attacks are cut to half of the note.

    Returns
    -------
    ndarray of float64, shape (n,)
        0..1.
    """
    attack = min(max(attack, 0.001), 0.5 * held)
    rise = np.minimum(time / attack, 1.0)
    fall = voice.sustain + (1 - voice.sustain) * np.exp(-np.maximum(time - attack, 0) / voice.decay)
    after = np.clip((time - held) / voice.release, 0.0, 1.0)
    return np.asarray(np.sin(rise * np.pi / 2) * fall * (1 - after) ** 2)


def _position(voice: Voice, time: Array) -> Array:
    if voice.kind == "string":
        return np.sqrt(time / voice.ring)
    if voice.lfo:
        return 0.5 - 0.5 * np.cos(2 * np.pi * voice.lfo * time)
    return np.exp(-time / voice.fall)


def _phase(time: Array, *, frequency: float, cents: float, vibrato: float) -> Array:
    turns: Array = frequency * 2.0 ** (cents / 1200.0) * time
    if not vibrato:
        return turns
    # Integral of the deviation in Hz, which sets in after a third of a second.
    depth = frequency * (2.0 ** (vibrato / 1200.0) - 1) / (2 * np.pi * _VIBRATO_HZ)
    onset = np.minimum(time / 0.35, 1.0)
    return np.asarray(turns + depth * onset * np.sin(2 * np.pi * _VIBRATO_HZ * time) + 1.0)


def _modal(voice: Voice, time: Array, *, frequency: float, tone: Tone) -> Array:
    wave = np.zeros_like(time)
    for number, (ratio, amplitude, share) in enumerate(voice.partials):
        at = frequency * ratio
        if at > 0.45 * tone.sr:
            continue
        loud = amplitude * tone.brightness ** (0.5 * min(number, 2))
        beat = 2.0 ** (voice.detune * tone.detune / 1200.0) if voice.unison > 1 else 1.0
        ring = np.exp(-time * np.log(1000.0) / (voice.ring * share))
        both = np.sin(2 * np.pi * at * time)
        if beat > 1.0:
            both = 0.5 * (both + np.sin(2 * np.pi * at * beat * time))
        wave += loud * ring * both
    return np.asarray(wave * (1 + 0.3 * np.sin(2 * np.pi * voice.lfo * time)))


def _tone_signal(voice: Voice, time: Array, *, frequency: float, tone: Tone) -> Array:
    if voice.kind == "modal":
        return _modal(voice, time, frequency=frequency, tone=tone)
    base = frequency / voice.ratio[0] if voice.kind == "fm" else frequency
    bank = make_bank(voice, base, sr=tone.sr, brightness=tone.brightness, body=tone.body)
    position, total = _position(voice, time), np.zeros_like(time)
    spread = voice.detune * tone.detune
    for copy in range(voice.unison):
        cents = spread * _SPREAD[copy] if voice.unison > 1 else 0.0
        phase = _phase(time, frequency=base, cents=cents, vibrato=voice.vibrato * tone.vibrato)
        total += read_bank(bank, phase + 0.37 * copy, position)
    return np.asarray(total / np.sqrt(voice.unison))


def play_note(voice: Voice, pitch: float, duration: float, *, tone: Tone) -> Signal:
    """Return one note at full loudness.

    Parameters
    ----------
    voice : Voice
    pitch : float
        MIDI number.
    duration : float
        Seconds until the release.
    tone : Tone

    Returns
    -------
    ndarray of float32, shape (n,)
    """
    samples = max(2, round((duration + voice.release) * tone.sr))
    time = np.arange(samples) / tone.sr
    frequency = float(hertz(pitch))
    wave = _tone_signal(voice, time, frequency=frequency, tone=tone)
    if voice.breath:
        noise = np.random.default_rng(crc32(b"breath")).standard_normal(samples)
        b, a = signal.butter(1, [min(frequency, 4000.0), 7000.0], "bandpass", fs=tone.sr)
        wave = wave + voice.breath * signal.lfilter(b, a, noise)
    loudness = envelope(voice, time, held=duration, attack=voice.attack * tone.attack)
    return np.asarray(wave * loudness, dtype=np.float32)


@dataclass
class Player:
    """An instrument that remembers the notes that it has played.

    Parameters
    ----------
    voice : str
        Of `VOICES`.
    tone : Tone
    """

    voice: str
    tone: Tone
    _played: dict[tuple[float, int, int], Signal] = field(default_factory=dict)

    def note(self, pitch: float, duration: float, velocity: float) -> Signal:
        """Return a note, scaled by its velocity; softer notes are darker too."""
        layer = max(1, round(velocity * _LAYERS))
        key = (pitch, round(duration * 50), layer)
        if key not in self._played:
            darker = 0.55 + 0.45 * layer / _LAYERS
            tone = Tone(**{**self.tone.__dict__, "brightness": self.tone.brightness * darker})
            held = max(key[1] / 50, 0.02)
            self._played[key] = play_note(VOICES[self.voice], pitch, held, tone=tone)
        return self._played[key] * np.float32(velocity)


def play_part(player: Player, notes: Notes, *, samples: int) -> Signal:
    """Return all notes of a part.

    Parameters
    ----------
    player : Player
    notes : Notes
    samples : int
        Length of the track.

    Returns
    -------
    ndarray of float32, shape (samples,)
    """
    out = np.zeros(samples, dtype=np.float32)
    rows = zip(notes.onset, notes.duration, notes.pitch, notes.velocity, strict=True)
    for onset, duration, pitch, velocity in rows:
        add_at(out, player.note(pitch, duration, velocity), round(onset * player.tone.sr))
    return out


def add_at(out: Signal, sound: Signal, start: int) -> None:
    """Add a sound to a signal from a sample on; what goes past the end is cut."""
    part = out[start : start + sound.size]
    part += sound[: part.size]
