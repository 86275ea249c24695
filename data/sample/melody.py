"""The lead: a motif of a bar or two, repeated and varied over the chords."""

from __future__ import annotations

import numpy as np

from data.sample.notes import NoteList, Notes
from data.sample.patterns import Stroke, strokes
from data.sample.plan import Plan
from data.sample.style import CENTRES
from data.sample.theory import nearest_degree, semitone

_REACH = 6  # degrees that a melody strays from its centre


def lead_notes(plan: Plan, rng: np.random.Generator) -> Notes:
    """Write the lead.

    The rhythm is one of the style's. The contour, a walk of small steps with a leap now and then,
    is drawn once for the track; bars of the peak turn it upside down, and each strong beat is
    moved to the nearest tone of its chord.
    """
    style, notes = plan.artist.style, NoteList(plan, rng)
    patterns = style.rhythms.get("lead", ())
    if not patterns:
        return notes.freeze()
    pattern = patterns[rng.integers(len(patterns))]
    contours = [_contour(rng, style.steps) for _ in range(len(pattern) // style.steps)]
    for bar in range(plan.bars):
        if "L" not in plan.layers(bar):
            continue
        contour = contours[bar % len(contours)] * (-1 if plan.sections[bar] == "peak" else 1)
        for stroke in strokes(pattern, bar=bar, steps=style.steps):
            strong = stroke.step % (style.steps // style.beats) == 0
            if strong or rng.random() < plan.artist.knobs["density"]:
                notes.add(bar, stroke, [_pitch(plan, bar, stroke, int(contour[stroke.step]))])
    return notes.freeze()


def _contour(rng: np.random.Generator, steps: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    moves = rng.choice([-2, -1, -1, 0, 1, 1, 2, 4, -3], size=steps)
    walk = np.cumsum(moves) + rng.integers(-2, 3)
    return np.asarray(np.abs((walk + _REACH) % (4 * _REACH) - 2 * _REACH) - _REACH)  # reflected


def _pitch(plan: Plan, bar: int, stroke: Stroke, offset: int) -> float:
    style, size = plan.artist.style, len(plan.scale)
    middle = style.centres.get("lead", CENTRES["lead"])
    middle += round((plan.artist.knobs["register"] - 0.5) * 10)
    home = middle - (middle - plan.root + 6) % 12 + 6  # the root nearest to the middle
    degree = offset * size // 7
    if stroke.step % (style.steps // style.beats) == 0:
        degree = nearest_degree(degree, plan.chord(bar), size)
    return float(home + semitone(plan.scale, degree))
