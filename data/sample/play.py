"""Notes of one instrument into a signal."""

from __future__ import annotations

from dataclasses import dataclass, field
from zlib import crc32

import numpy as np
from scipy import signal

from data.sample.artists import Artist
from data.sample.notes import Notes
from data.sample.spectra import Array
from data.sample.theory import hertz
from data.sample.voices import Voice
from data.sample.wavetable import Signal, make_bank, read_bank

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


def envelope(voice: Voice, time: Signal, *, held: float, attack: float) -> Signal:
    """Return the loudness of a note.

    Parameters
    ----------
    voice : Voice
    time : ndarray of float32, shape (n,)
        Seconds since the onset.
    held : float
        Seconds until the release.
    attack : float
        Seconds; long attacks are cut to half of the note.

    Returns
    -------
    ndarray of float32, shape (n,)
        0..1.
    """
    attack = min(max(attack, 0.001), 0.5 * held)
    sustain, decay = np.float32(voice.sustain), np.float32(-1.0 / voice.decay)
    loud = sustain + (1 - sustain) * np.exp(np.maximum(time - np.float32(attack), 0) * decay)
    rising, releasing = np.searchsorted(time, [attack, held])
    loud[:rising] *= np.sin(time[:rising] * np.float32(0.5 * np.pi / attack))
    after = np.minimum((time[releasing:] - np.float32(held)) / np.float32(voice.release), 1.0)
    loud[releasing:] *= (1.0 - after) ** 2
    return np.asarray(loud, dtype=np.float32)


def _position(voice: Voice, time: Signal) -> Signal:
    if voice.kind == "string":
        return np.asarray(np.sqrt(time / np.float32(voice.ring)))
    if voice.lfo:
        return np.asarray(0.5 - 0.5 * np.cos(np.float32(2 * np.pi * voice.lfo) * time))
    return np.asarray(np.exp(time * np.float32(-1.0 / voice.fall)))


def _phase(time: Array, *, frequency: float, cents: float, vibrato: float) -> Array:
    turns: Array = frequency * 2.0 ** (cents / 1200.0) * time
    if not vibrato:
        return turns
    # Integral of the deviation in Hz, which sets in within a third of a second.
    depth = frequency * (2.0 ** (vibrato / 1200.0) - 1) / (2 * np.pi * _VIBRATO_HZ)
    onset = np.minimum(time / 0.35, 1.0)
    return np.asarray(turns + depth * (1.0 + onset * np.sin(2 * np.pi * _VIBRATO_HZ * time)))


def _modal(voice: Voice, time: Array, *, frequency: float, tone: Tone) -> Signal:
    wave = np.zeros(time.size, dtype=np.float32)
    beat = 2.0 ** (voice.detune * tone.detune / 1200.0)
    for number, (ratio, amplitude, share) in enumerate(voice.partials):
        at = frequency * ratio
        if at * beat > 0.48 * tone.sr:
            continue
        loud = amplitude * tone.brightness ** (0.5 * min(number, 2))
        partial = np.sin(2 * np.pi * at * time)
        if voice.unison > 1:
            partial = 0.5 * (partial + np.sin(2 * np.pi * at * beat * time))
        wave += loud * np.exp(-time * np.log(1000.0) / (voice.ring * share)) * partial
    return np.asarray(wave * (1 + 0.3 * np.sin(2 * np.pi * voice.lfo * time)), dtype=np.float32)


@dataclass
class Player:
    """An instrument that remembers the notes that it has played.

    Parameters
    ----------
    voice : Voice
    tone : Tone
    """

    voice: Voice
    tone: Tone
    _banks: dict[tuple[float, int], Signal] = field(default_factory=dict)
    _notes: dict[tuple[float, int, int], Signal] = field(default_factory=dict)

    def note(self, pitch: float, duration: float, velocity: float) -> Signal:
        """Return a note.

        Parameters
        ----------
        pitch : float
            MIDI number.
        duration : float
            Seconds until the release, rounded to 20 ms.
        velocity : float
            0..1; softer notes are darker too.

        Returns
        -------
        ndarray of float32, shape (n,)
        """
        layer = min(max(1, round(velocity * _LAYERS)), _LAYERS)
        key = (pitch, max(1, round(duration * 50)), layer)
        if key not in self._notes:
            self._notes[key] = self._sound(pitch, key[1] / 50, layer)
        return self._notes[key] * np.float32(velocity)

    def _sound(self, pitch: float, held: float, layer: int) -> Signal:
        voice, tone = self.voice, self.tone
        frequency = float(hertz(pitch))
        time = np.arange(max(2, round((held + voice.release) * tone.sr))) / tone.sr
        coarse = time.astype(np.float32)
        if voice.kind == "modal":
            wave = _modal(voice, time, frequency=frequency, tone=tone)
        else:
            base = frequency / voice.ratio[0] if voice.kind == "fm" else frequency
            wave = self._read(base, time, bank=self._bank(pitch, base, layer))
        if voice.breath:
            wave = wave + voice.breath * _breath(frequency, time.size, tone.sr)
        return wave * envelope(voice, coarse, held=held, attack=voice.attack * tone.attack)

    def _bank(self, pitch: float, base: float, layer: int) -> Signal:
        if (pitch, layer) not in self._banks:
            brightness = self.tone.brightness * (0.55 + 0.45 * layer / _LAYERS)
            self._banks[pitch, layer] = make_bank(
                self.voice, base, sr=self.tone.sr, brightness=brightness, body=self.tone.body
            )
        return self._banks[pitch, layer]

    def _read(self, base: float, time: Array, *, bank: Signal) -> Signal:
        voice, tone = self.voice, self.tone
        position = _position(voice, time.astype(np.float32))
        total = np.zeros(time.size, dtype=np.float32)
        for copy in range(voice.unison):
            cents = voice.detune * tone.detune * _SPREAD[copy] if voice.unison > 1 else 0.0
            phase = _phase(time, frequency=base, cents=cents, vibrato=voice.vibrato * tone.vibrato)
            total += read_bank(bank, phase + 0.37 * copy, position)
        return total / np.float32(np.sqrt(voice.unison))


def _breath(frequency: float, samples: int, sr: int) -> Signal:
    noise = np.random.default_rng(crc32(b"breath")).standard_normal(samples)
    b, a = signal.butter(1, [min(frequency, 4000.0), 7000.0], "bandpass", fs=sr)
    return np.asarray(signal.lfilter(b, a, noise), dtype=np.float32)


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
