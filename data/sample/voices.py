"""The instruments, as parameters of the four ways in which `wavetable` and `play` make a tone."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Voice:
    """One instrument.

    Attributes
    ----------
    kind : str
        "filter" (a waveform through a moving low-pass filter), "string" (Karplus-Strong), "fm"
        (two operators) or "modal" (partials of their own).
    shape : str
        Waveform, of `wavetable.SHAPES`.
    cutoff : float
        Hz, of the filter at rest; of the pick for a string.
    sweep, fall : float
        Octaves that the filter opens at the onset, and seconds in which it closes. For FM,
        `fall` is the decay of the index.
    resonance : float
        Peak at the cut-off, 0..1.
    lfo : float
        Hz, of a slow opening and closing of the filter; 0 is none.
    attack, decay, sustain, release : float
        Envelope: seconds, seconds, 0..1, seconds.
    unison : int
        How many detuned copies sound together, 1 to 3.
    detune, vibrato : float
        Cents.
    ring : float
        Seconds in which a string or a partial decays by 60 dB.
    pick : float
        Where a string is plucked, 0..0.5 of its length.
    ratio, index : pair of int, float
        FM: carrier and modulator as multiples of one base, and the index at the onset.
    partials : tuple of (ratio, amplitude, decay)
        Modal: relative frequency, amplitude, and share of `ring`.
    breath : float
        Noise in the tone, 0..1.
    """

    kind: str = "filter"
    shape: str = "saw"
    cutoff: float = 1200.0
    sweep: float = 1.0
    fall: float = 0.3
    resonance: float = 0.2
    lfo: float = 0.0
    attack: float = 0.008
    decay: float = 0.6
    sustain: float = 0.7
    release: float = 0.1
    unison: int = 1
    detune: float = 0.0
    vibrato: float = 0.0
    ring: float = 2.0
    pick: float = 0.2
    ratio: tuple[int, int] = (1, 1)
    index: float = 1.0
    partials: tuple[tuple[float, float, float], ...] = ()
    breath: float = 0.0


_PAD = Voice(
    cutoff=700, sweep=1.5, fall=2.0, lfo=0.13, attack=0.5, sustain=0.9, release=0.9, unison=3
)
_PAD = replace(_PAD, detune=14)
_STRINGS = Voice(cutoff=1800, sweep=0.6, fall=0.8, attack=0.16, sustain=0.95, release=0.35)
_STRINGS = replace(_STRINGS, unison=3, detune=7, vibrato=9)
_WIND = Voice(attack=0.05, decay=0.3, sustain=0.85, release=0.12, vibrato=14, resonance=0)
_SYNTH = Voice(attack=0.004, decay=0.3, sustain=0.6, release=0.08)
_GUITAR = Voice(kind="string", attack=0.001, sustain=1, release=0.15, cutoff=3500, ring=3.0)
_BELL = Voice(kind="fm", attack=0.002, decay=1.2, sustain=0.0, release=0.6, fall=0.5)
_MALLET = Voice(kind="modal", attack=0.002, sustain=1, release=0.35, ring=2.5)
_CHIP = Voice(attack=0.001, decay=0.25, sustain=0.6, release=0.01, cutoff=9000, sweep=0)
_CHIP = replace(_CHIP, resonance=0, vibrato=12)
_STAB = replace(_SYNTH, cutoff=900, sweep=2.2, fall=0.12, decay=0.18, sustain=0.1, release=0.12)

VOICES: dict[str, Voice] = {
    # basses
    "sub": Voice(shape="sine", sweep=0, decay=1.5, sustain=0.8, release=0.08),
    "sub pluck": Voice(shape="triangle", cutoff=300, sweep=2, fall=0.08, decay=0.25, sustain=0.2),
    "soft bass": Voice(shape="triangle", cutoff=450, sweep=0.8, decay=1.0, sustain=0.5),
    "saw bass": replace(_SYNTH, cutoff=450, sweep=1.8, fall=0.15, unison=2, detune=7),
    "square bass": replace(_SYNTH, shape="square", cutoff=500, sweep=1.5, fall=0.2),
    "acid": replace(_SYNTH, cutoff=350, sweep=3.2, fall=0.11, resonance=1, sustain=0.35),
    "reese": replace(_SYNTH, cutoff=500, sweep=0.5, lfo=0.7, unison=3, detune=22, sustain=0.95),
    "upright": replace(_GUITAR, cutoff=900, ring=1.6, pick=0.35, release=0.1),
    "electric bass": replace(_GUITAR, cutoff=1300, ring=2.5, pick=0.25),
    "picked bass": replace(_GUITAR, cutoff=3000, ring=2.5, pick=0.1),
    "chip triangle": replace(_CHIP, shape="steps", sustain=0.9, vibrato=0),
    "cellos": replace(_STRINGS, cutoff=1000, attack=0.12),
    "low brass": replace(_WIND, shape="brass", cutoff=600, sweep=1.2, attack=0.09, unison=2),
    "gong bell": replace(_MALLET, ring=6, partials=((1, 1, 1), (1.5, 0.35, 0.6), (2.76, 0.3, 0.4))),
    # chords
    "pad": _PAD,
    "glass pad": replace(_PAD, shape="glass", cutoff=2500, sweep=0.5, unison=2, detune=10),
    "choir": replace(_PAD, shape="voice", cutoff=1500, sweep=0.3, attack=0.35, vibrato=10),
    "strings": _STRINGS,
    "string trem": replace(_STRINGS, lfo=7.5, sweep=1.8, attack=0.1),
    "horns": replace(_WIND, shape="brass", cutoff=800, sweep=1.0, attack=0.1, unison=2, detune=5),
    "harmonium": replace(_WIND, shape="reed", cutoff=2200, attack=0.09, unison=2, detune=6),
    "organ": Voice(
        shape="organ", cutoff=5000, sweep=0, sustain=1, release=0.05, lfo=6.2, vibrato=8
    ),
    "piano": replace(_GUITAR, cutoff=2200, ring=4.0, pick=0.12, unison=2, detune=1.5, release=0.2),
    "epiano": replace(_BELL, ratio=(1, 1), index=1.3, decay=1.6, fall=0.6, release=0.2),
    "soft keys": replace(_BELL, ratio=(1, 2), index=0.6, decay=1.4, fall=0.4, attack=0.01),
    "jazz guitar": replace(_GUITAR, cutoff=1400, ring=2.2, pick=0.3),
    "nylon guitar": replace(_GUITAR, cutoff=1900, ring=2.0, pick=0.28),
    "steel guitar": replace(_GUITAR, cutoff=5500, ring=3.5, pick=0.13),
    "crunch guitar": replace(_GUITAR, cutoff=4500, ring=3.5, pick=0.1, unison=2, detune=6),
    "heavy guitar": replace(_GUITAR, cutoff=2600, ring=4.5, pick=0.18, unison=2, detune=9),
    "poly synth": replace(_SYNTH, cutoff=900, sweep=2, fall=0.4, unison=2, detune=11, release=0.3),
    "stab": replace(_STAB, unison=2, detune=12),
    "dub stab": replace(_STAB, cutoff=600, sweep=2.0, fall=0.2, resonance=0.6, unison=2, detune=8),
    "metal stab": replace(_BELL, ratio=(2, 7), index=3, decay=0.16, fall=0.1, release=0.1),
    "skank organ": Voice(shape="organ", cutoff=2600, sweep=0.6, fall=0.05, decay=0.2, sustain=0.3),
    "skank guitar": replace(_GUITAR, cutoff=3500, ring=0.5, pick=0.08, release=0.04),
    "chip pulse": replace(_CHIP, shape="pulse"),
    "chip square": replace(_CHIP, shape="square"),
    "chip thin": replace(_CHIP, shape="thin"),
    "metallophone": replace(
        _MALLET, partials=((1, 1, 1), (2.71, 0.5, 0.5), (5.15, 0.3, 0.25)), unison=2, detune=16
    ),
    # leads and arpeggios
    "saxophone": replace(_WIND, shape="sax", cutoff=1500, sweep=1.0, breath=0.06),
    "trumpet": replace(_WIND, shape="brass", cutoff=1300, sweep=1.6, fall=0.12, attack=0.03),
    "brass": replace(_WIND, shape="brass", cutoff=900, sweep=1.5, unison=2, detune=8),
    "melodica": replace(_WIND, shape="reed", cutoff=3000, attack=0.04, breath=0.03),
    "oboe": replace(_WIND, shape="reed", cutoff=3500, sweep=0.4),
    "flute": replace(_WIND, shape="flute", cutoff=3000, sweep=0.3, breath=0.1),
    "bamboo flute": replace(_WIND, shape="flute", cutoff=2000, attack=0.09, breath=0.2),
    "whistle": replace(_WIND, shape="sine", attack=0.03, breath=0.06, vibrato=18),
    "voice": replace(_WIND, shape="voice", cutoff=2200, attack=0.09, vibrato=22, release=0.25),
    "fiddle": replace(_STRINGS, cutoff=3200, unison=1, vibrato=18, attack=0.06, release=0.12),
    "violins": replace(_STRINGS, cutoff=2600, attack=0.11),
    "marcato": replace(_STRINGS, cutoff=2200, attack=0.02, decay=0.15, sustain=0.3, release=0.12),
    "pizzicato": replace(_GUITAR, cutoff=2200, ring=0.7, pick=0.2, release=0.25),
    "harp": replace(_GUITAR, cutoff=3500, ring=3.5, pick=0.4, release=1.2),
    "banjo": replace(_GUITAR, cutoff=7000, ring=0.8, pick=0.07),
    "lead guitar": replace(_GUITAR, cutoff=3800, ring=6, pick=0.15, vibrato=14),
    "celesta": replace(_BELL, ratio=(1, 4), index=0.9, fall=0.25),
    "glass bell": replace(_BELL, ratio=(5, 7), index=1.6, decay=1.6, fall=0.8, release=1.2),
    "kalimba": replace(_MALLET, ring=1.2, partials=((1, 1, 1), (5.4, 0.25, 0.2))),
    "vibraphone": replace(
        _MALLET, ring=3.5, partials=((1, 1, 1), (4, 0.3, 0.35), (10, 0.12, 0.1)), lfo=5.5
    ),
    "marimba": replace(_MALLET, ring=0.9, partials=((1, 1, 1), (3.9, 0.4, 0.3), (9.2, 0.15, 0.1))),
    "pluck synth": replace(_STAB, cutoff=1100, sweep=2.6, resonance=0.5),
    "square synth": replace(_SYNTH, shape="square", cutoff=1500, sweep=1.6, fall=0.15, sustain=0.4),
    "saw lead": replace(_SYNTH, cutoff=2200, sweep=1, unison=2, detune=9, vibrato=14, release=0.2),
}
"""Instruments by name."""
