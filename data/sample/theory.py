"""Scales, chords and pitches, in equal temperament.

A *degree* counts the steps of a scale from 0; degrees past its end go on in the next octave. A
pitch is a MIDI number (69 is the A of 440 Hz).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

SCALES: dict[str, tuple[int, ...]] = {
    "major": (0, 2, 4, 5, 7, 9, 11),
    "minor": (0, 2, 3, 5, 7, 8, 10),
    "dorian": (0, 2, 3, 5, 7, 9, 10),
    "phrygian": (0, 1, 3, 5, 7, 8, 10),
    "lydian": (0, 2, 4, 6, 7, 9, 11),
    "mixolydian": (0, 2, 4, 5, 7, 9, 10),
    "harmonic minor": (0, 2, 3, 5, 7, 8, 11),
    "major pentatonic": (0, 2, 4, 7, 9),
    "pelog": (0, 1, 3, 7, 8),
    "slendro": (0, 2, 5, 7, 10),
}
"""Semitones above the root of each scale."""

CHORDS: dict[str, tuple[int, ...]] = {
    "fifth": (0, 4),
    "triad": (0, 2, 4),
    "sixth": (0, 2, 4, 5),
    "seventh": (0, 2, 4, 6),
    "ninth": (0, 2, 4, 6, 8),
}
"""Steps of the scale above the root of each kind of chord."""


def semitone(scale: Sequence[int], degree: int) -> int:
    """Return the semitones of a degree above the root of the scale."""
    octave, step = divmod(degree, len(scale))
    return 12 * octave + scale[step]


def chord_pitches(scale: Sequence[int], degree: int, kind: str) -> list[int]:
    """Return the semitones of a chord above the root of the scale, lowest first."""
    return [semitone(scale, degree + step) for step in CHORDS[kind]]


def voiced(pitches: Sequence[int], centre: int) -> list[int]:
    """Move each pitch by octaves to within half an octave of a centre.

    Successive chords voiced about one centre share their common tones and move by small steps.

    Returns
    -------
    list of int
        Distinct pitches in [centre - 6, centre + 6), ascending.
    """
    low = centre - 6
    return sorted({low + (pitch - low) % 12 for pitch in pitches})


def opened(pitches: Sequence[int]) -> list[int]:
    """Lower the second highest of four or more pitches by an octave, which parts close clusters."""
    if len(pitches) < 4:
        return list(pitches)
    return sorted([*pitches[:-2], pitches[-2] - 12, pitches[-1]])


def nearest_degree(degree: int, chord: Sequence[int], size: int) -> int:
    """Return the degree nearest to `degree` that is in a chord, in any octave of the scale.

    Parameters
    ----------
    degree : int
    chord : sequence of int
        Degrees of the chord.
    size : int
        Number of degrees of the scale.
    """
    octaves = range(-1, 2)
    tones = [tone % size + size * (degree // size + octave) for tone in chord for octave in octaves]
    return min(tones, key=lambda tone: (abs(tone - degree), tone))


def hertz(midi: float | npt.NDArray[np.floating]) -> float | npt.NDArray[np.floating]:
    """Return the frequency of a pitch in Hz."""
    return 440.0 * 2.0 ** ((midi - 69.0) / 12.0)
