"""Notes in time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from data.sample.patterns import Stroke
from data.sample.plan import Plan

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Notes:
    """Notes of one part, in order of onset.

    Attributes
    ----------
    onset, duration : ndarray of float64, shape (n,)
        Seconds.
    pitch : ndarray of float64, shape (n,)
        MIDI numbers.
    velocity : ndarray of float64, shape (n,)
        0..1.
    """

    onset: FloatArray
    duration: FloatArray
    pitch: FloatArray
    velocity: FloatArray

    def __len__(self) -> int:
        return int(self.onset.size)


@dataclass
class NoteList:
    """Notes being written.

    Parameters
    ----------
    plan : Plan
    rng : Generator
        For the small inaccuracies of a player.
    """

    plan: Plan
    rng: np.random.Generator
    rows: list[tuple[float, float, float, float]] = field(default_factory=list)

    def add(
        self, bar: int, stroke: Stroke, pitches: Sequence[float], *, strum: float = 0.0
    ) -> None:
        """Add the notes of one stroke, `strum` seconds after each other."""
        onset, end = self.plan.time(bar, [stroke.step, stroke.step + stroke.length])
        human = self.plan.artist.style.human
        onset = max(0.0, onset + (float(self.rng.normal(0.0, human)) if human else 0.0))
        velocity = stroke.velocity * self.plan.energy(bar)
        velocity *= float(self.rng.uniform(0.9, 1.0)) if human else 1.0
        for i, pitch in enumerate(pitches):
            at = onset + i * strum
            self.rows.append((at, max(end - at, 0.03), float(pitch), velocity))

    def freeze(self) -> Notes:
        """Return the notes that start before the end of the track."""
        rows = sorted(row for row in self.rows if row[0] < self.plan.seconds - 0.05)
        return Notes(*np.array(rows, dtype=np.float64).reshape(-1, 4).T.copy())
