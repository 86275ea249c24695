"""What a style of the sample lays down; its artists and tracks choose within it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

PARTS = ("bass", "chords", "arp", "lead")
"""Pitched parts; drums come besides."""

SECTIONS = ("intro", "main", "break", "peak", "outro")

Range = tuple[float, float]


@dataclass(frozen=True)
class Bus:
    """How one part is mixed.

    Attributes
    ----------
    gain : float
        dB.
    reverb, echo : float
        Share sent to the reverb (times the artist's `space`) and to the echo, 0..1.
    drive : float
        Distortion, 0..1, on top of the artist's.
    chorus : float
        Depth of a slow modulated delay, 0..1.
    """

    gain: float = 0.0
    reverb: float = 0.5
    echo: float = 0.0
    drive: float = 0.0
    chorus: float = 0.0


@dataclass(frozen=True)
class Style:
    """One style.

    Patterns are strings of one character a step, over one or more bars. `.` lets the last note
    ring, `-` stops it. Drums, chords and lead: `X`, `x` and `o` strike loudly, normally and
    softly. Bass and arpeggio: a digit is a tone of the chord from its root up, `w` the step next
    to the coming root.

    Attributes
    ----------
    name, slug : str
        The genre, and its form in ids.
    tempo : pair of float
        Beats a minute, lowest and highest.
    beats, steps : int
        Of a bar.
    swing_unit : int
        Steps of the unit whose every second one is delayed by the artist's `swing`.
    scales, harmony, progressions : tuple
        Of `theory.SCALES`, of `theory.CHORDS`, and degrees of the scale, one a bar.
    grooves : tuple of mapping
        Pattern by drum.
    kits : tuple of str
        Of `drums.KITS`.
    rhythms : mapping of str to tuple of str
        Patterns by part; a part without any is silent.
    voices : mapping of str to tuple of str
        Of `voices.VOICES`, by part.
    centres : mapping of str to int
        MIDI pitch about which a part plays.
    layers : mapping of str to str
        What plays in each section: D drums, H light drums, B bass, C chords, A arp, L lead.
    forms : tuple of tuple of (section, weight)
        Orders of sections.
    knobs : mapping of str to pair of float
        Where this style's artists set each of `artists.KNOBS`, 0..1.
    buses : mapping of str to Bus
    effects : tuple of str
        Of "duck", "crackle", "wow", "crush".
    strum, human : float
        Seconds between the notes of a chord, and by which notes stray from the beat.
    """

    name: str
    slug: str
    tempo: Range
    scales: tuple[str, ...]
    harmony: tuple[str, ...]
    progressions: tuple[tuple[int, ...], ...]
    rhythms: Mapping[str, tuple[str, ...]]
    voices: Mapping[str, tuple[str, ...]]
    knobs: Mapping[str, Range]
    beats: int = 4
    steps: int = 16
    swing_unit: int = 2
    grooves: tuple[Mapping[str, str], ...] = ({},)
    kits: tuple[str, ...] = ("acoustic",)
    centres: Mapping[str, int] = field(default_factory=dict)
    layers: Mapping[str, str] = field(default_factory=dict)
    forms: tuple[tuple[tuple[str, float], ...], ...] = (
        (("intro", 1), ("main", 2), ("break", 1), ("peak", 2)),
        (("main", 2), ("break", 1), ("peak", 2), ("outro", 1)),
        (("intro", 1), ("peak", 2), ("break", 1), ("main", 2)),
    )
    buses: Mapping[str, Bus] = field(default_factory=dict)
    effects: tuple[str, ...] = ()
    strum: float = 0.0
    human: float = 0.0


LAYERS = {"intro": "HC", "main": "DBCL", "break": "CAL", "peak": "DBCAL", "outro": "DBC"}
"""Layers of a style that names none."""

CENTRES = {"bass": 36, "chords": 60, "arp": 72, "lead": 74}
"""Pitches of a style that names none."""
