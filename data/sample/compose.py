"""From a plan to notes: drums, bass, chords, arpeggio and lead.

Each part draws from a random stream of its own, so a change in one leaves the others as they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from data.sample.artists import Artist, stream, take_of
from data.sample.melody import lead_notes
from data.sample.notes import NoteList, Notes
from data.sample.patterns import LOUDNESS, strokes
from data.sample.plan import Plan, make_plan
from data.sample.style import CENTRES
from data.sample.theory import opened, semitone, voiced

_LIGHT = ("hat", "shaker", "ride", "tambourine", "brush", "rim")  # what "H" leaves of the drums
_FILLS = ("x.ox", "oxxX", "..xX", "x.xx", "xxXX")


@dataclass(frozen=True)
class Score:
    """A composed track.

    Attributes
    ----------
    plan : Plan
    drums : mapping of str to Notes
        Hits by drum; their pitch is 0.
    parts : mapping of str to Notes
        By `style.PARTS`; silent parts are missing.
    """

    plan: Plan
    drums: Mapping[str, Notes]
    parts: Mapping[str, Notes]


def compose(artist: Artist, *, seed: int, track: int, seconds: float) -> Score:
    """Compose one track; the same for the same arguments.

    Parameters
    ----------
    artist : Artist
    seed : int
    track : int
        Number of the track, from 0, among the artist's.
    seconds : float
        Length.
    """
    rng = stream(seed, "track", artist.style.slug, artist.number, track)
    plan = make_plan(take_of(artist, seed=seed, track=track), rng, seconds=seconds)
    streams = rng.spawn(5)
    parts = {
        "bass": _bass(plan, streams[0]),
        "chords": _chords(plan, streams[1]),
        "arp": _arp(plan, streams[2]),
        "lead": lead_notes(plan, streams[3]),
    }
    heard = {name: notes for name, notes in parts.items() if len(notes)}
    return Score(plan, _drums(plan, streams[4]), heard)


def centre(plan: Plan, part: str) -> int:
    """Return the pitch about which a part plays; the artist's register moves all but the bass."""
    style = plan.artist.style
    shift = 0 if part == "bass" else round((plan.artist.knobs["register"] - 0.5) * 10)
    return style.centres.get(part, CENTRES[part]) + shift


def _choice(plan: Plan, part: str, rng: np.random.Generator) -> str | None:
    patterns = plan.artist.style.rhythms.get(part, ())
    return patterns[rng.integers(len(patterns))] if patterns else None


def _bass(plan: Plan, rng: np.random.Generator) -> Notes:
    pattern, notes = _choice(plan, "bass", rng), NoteList(plan, rng)
    size, steps = len(plan.scale), plan.artist.style.steps
    for bar in range(plan.bars):
        if pattern is None or "B" not in plan.layers(bar):
            continue
        chord = plan.chord(bar)
        root = semitone(plan.scale, chord[0])
        low = voiced([plan.root + root], centre(plan, "bass"))[0]
        for stroke in strokes(pattern, bar=bar, steps=steps):
            if stroke.sign == "w":
                degree = plan.degrees[(bar + 1) % plan.bars] + int(rng.choice([-1, 1]))
                degree -= size * round((degree - chord[0]) / size)
            else:
                octave, tone = divmod(int(stroke.sign), len(chord))
                degree = chord[tone] + size * octave
            notes.add(bar, stroke, [low + semitone(plan.scale, degree) - root])
    return notes.freeze()


def _chord_pitches(plan: Plan, bar: int, part: str) -> list[int]:
    chord = plan.chord(bar)
    rootless = chord[1:] if len(chord) > 4 and "bass" in plan.artist.voices else chord
    pitches = [plan.root + semitone(plan.scale, degree) for degree in rootless]
    if plan.harmony == "fifth" and part == "chords":
        low = voiced(pitches[:1], centre(plan, part))[0]
        return [low, low + pitches[1] - pitches[0], low + 12]
    close = voiced(pitches, centre(plan, part))
    return opened(close) if part == "chords" else close


def _chords(plan: Plan, rng: np.random.Generator) -> Notes:
    pattern, notes = _choice(plan, "chords", rng), NoteList(plan, rng)
    for bar in range(plan.bars):
        if pattern is None or "C" not in plan.layers(bar):
            continue
        pitches = _chord_pitches(plan, bar, "chords")
        for stroke in strokes(pattern, bar=bar, steps=plan.artist.style.steps):
            notes.add(bar, stroke, pitches, strum=plan.artist.style.strum)
    return notes.freeze()


def _arp(plan: Plan, rng: np.random.Generator) -> Notes:
    pattern, notes = _choice(plan, "arp", rng), NoteList(plan, rng)
    for bar in range(plan.bars):
        if pattern is None or "A" not in plan.layers(bar):
            continue
        pitches = _chord_pitches(plan, bar, "arp")
        for stroke in strokes(pattern, bar=bar, steps=plan.artist.style.steps):
            octave, tone = divmod(int(stroke.sign), len(pitches))
            notes.add(bar, stroke, [pitches[tone] + 12 * octave])
    return notes.freeze()


def _bar_patterns(plan: Plan, rng: np.random.Generator, bar: int) -> dict[str, str]:
    style, layers = plan.artist.style, plan.layers(bar)
    groove = dict(style.grooves[plan.artist.groove % len(style.grooves)])
    if "D" not in layers:
        kept = _LIGHT if "H" in layers else ()
        return {drum: pattern for drum, pattern in groove.items() if drum in kept}
    last = bar + 1 == plan.bars or plan.sections[bar + 1] != plan.sections[bar]
    lively = "snare" in groove and plan.artist.knobs["punch"] > 0.4
    if last and lively and style.steps == 16:
        fill = _FILLS[rng.integers(len(_FILLS))]
        groove["snare"] = groove["snare"][:12] + fill
        groove["tom"] = "." * 12 + _FILLS[rng.integers(len(_FILLS))]
    if bar and plan.sections[bar] != plan.sections[bar - 1] and "kick" in groove:
        groove["crash"] = "x" + "." * (style.steps - 1)
    return groove


def _drums(plan: Plan, rng: np.random.Generator) -> dict[str, Notes]:
    hits: dict[str, NoteList] = {}
    density = plan.artist.knobs["density"]
    for bar in range(plan.bars):
        for drum, pattern in _bar_patterns(plan, rng, bar).items():
            notes = hits.setdefault(drum, NoteList(plan, rng))
            for stroke in strokes(pattern, bar=bar, steps=plan.artist.style.steps):
                if stroke.velocity > LOUDNESS["o"] or rng.random() < density:
                    notes.add(bar, stroke, [0])
    frozen = {drum: notes.freeze() for drum, notes in hits.items()}
    return {drum: notes for drum, notes in frozen.items() if len(notes)}
