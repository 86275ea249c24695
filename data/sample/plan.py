"""The plan of a track: tempo, key, harmony and form, and where its steps fall in time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from data.sample.artists import Artist, tempo_of
from data.sample.style import LAYERS
from data.sample.theory import CHORDS, SCALES

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Plan:
    """What all parts of a track agree on.

    Attributes
    ----------
    artist : Artist
    seconds : float
        Length of the track.
    tempo : float
        Beats a minute.
    root : int
        Pitch class of the key, 0..11.
    scale : tuple of int
        Semitones above the root.
    harmony : str
        Of `theory.CHORDS`.
    degrees : tuple of int
        Degree of the chord of each bar.
    sections : tuple of str
        Section of each bar.
    """

    artist: Artist
    seconds: float
    tempo: float
    root: int
    scale: tuple[int, ...]
    harmony: str
    degrees: tuple[int, ...]
    sections: tuple[str, ...]

    @property
    def bars(self) -> int:
        """How many bars start before the end."""
        return len(self.sections)

    @property
    def bar_seconds(self) -> float:
        """Length of a bar in seconds."""
        return 60.0 / self.tempo * self.artist.style.beats

    def layers(self, bar: int) -> str:
        """Return the letters of what plays in a bar, see `Style.layers`."""
        section = self.sections[bar]
        return self.artist.style.layers.get(section, LAYERS[section])

    def chord(self, bar: int) -> list[int]:
        """Return the degrees of the scale of a bar's chord, root first."""
        return [self.degrees[bar] + step for step in CHORDS[self.harmony]]

    def time(self, bar: int, step: npt.ArrayLike) -> FloatArray:
        """Return when steps of a bar fall.

        Parameters
        ----------
        bar : int
        step : array_like of float
            0 up to the steps of a bar, and beyond.

        Returns
        -------
        ndarray of float64, same shape
            Seconds. Swing stretches the first unit of each pair by up to a third (full swing is
            two to one, as in jazz) and shrinks the second.
        """
        style = self.artist.style
        at = np.asarray(step, dtype=np.float64)
        unit = float(style.swing_unit)
        within = np.mod(at, 2 * unit)
        delay = self.artist.knobs["swing"] / 3.0 * (unit - np.abs(within - unit))
        return bar * self.bar_seconds + (at + delay) * self.bar_seconds / style.steps

    def energy(self, bar: int) -> float:
        """Return how strongly a bar is played, 0..1."""
        levels = {"intro": 0.7, "main": 0.85, "break": 0.7, "peak": 1.0, "outro": 0.75}
        return levels[self.sections[bar]]


def make_plan(artist: Artist, rng: np.random.Generator, *, seconds: float) -> Plan:
    """Draw the plan of one track.

    Parameters
    ----------
    artist : Artist
    rng : Generator
        The track's own.
    seconds : float
        Length of the track.
    """
    style = artist.style
    tempo = float(np.clip(tempo_of(artist) * rng.uniform(0.97, 1.03), *style.tempo))
    bars = max(1, int(np.ceil(seconds * tempo / 60.0 / style.beats - 1e-9)))
    progression = style.progressions[rng.integers(len(style.progressions))]
    usual = rng.random() < 0.7
    scale = style.scales[(artist.scale if usual else rng.integers(99)) % len(style.scales)]
    return Plan(
        artist=artist,
        seconds=seconds,
        tempo=tempo,
        root=int(rng.integers(12)),
        scale=SCALES[scale],
        harmony=style.harmony[rng.integers(len(style.harmony))],
        degrees=tuple(progression[bar % len(progression)] for bar in range(bars)),
        sections=_sections(style.forms[rng.integers(len(style.forms))], bars),
    )


def _sections(form: tuple[tuple[str, float], ...], bars: int) -> tuple[str, ...]:
    ends = np.cumsum([weight for _, weight in form])
    middles = (np.arange(bars) + 0.5) / bars * ends[-1]
    return tuple(form[i][0] for i in np.searchsorted(ends, middles))
