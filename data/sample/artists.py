"""Who plays: each artist's sound, drawn from the seed, the style and the artist's number only.

The sound is a row of *knobs*, 0..1 each. A style says in which range its artists set a knob; within
it artists are spread by an additive recurrence (a low-discrepancy sequence: Niederreiter, *Random
Number Generation and Quasi-Monte Carlo Methods*, 1992, section 3), so that even five artists of one
style differ clearly, however many there are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from zlib import crc32

import numpy as np
import numpy.typing as npt

from data.sample.style import PARTS, Range, Style
from data.sample.styles import first_styles

KNOBS: dict[str, Range] = {
    "tempo": (0.0, 1.0),
    "brightness": (0.3, 0.7),
    "drive": (0.0, 0.2),
    "space": (0.1, 0.5),
    "room": (0.2, 0.6),
    "attack": (0.1, 0.4),
    "detune": (0.1, 0.6),
    "tilt": (0.25, 0.75),
    "punch": (0.3, 0.8),
    "density": (0.6, 1.0),
    "register": (0.2, 0.8),
    "swing": (0.0, 0.3),
    "vibrato": (0.1, 0.6),
    "width": (0.1, 0.9),
    "level": (0.3, 0.7),
    "body": (0.0, 1.0),
}
"""Knobs, and their range in a style that names none.

`brightness` opens filters, `drive` saturates, `space` and `room` are amount and length of the
reverb, `tilt` trades bass for treble, `punch` weighs and snaps the drums, `body` places the
resonances of the instruments, `width` spreads them from left to right.
"""

_STRAY = 0.16  # of a knob's range, by which a track strays from its artist
_SWITCH = 0.2  # chance that a track has another instrument, kit or groove

# Fractional parts of square roots of primes, independent over the rationals; those near 0 and 1,
# with which neighbours would be alike, are left out.
_STEPS = np.sqrt([2, 3, 7, 11, 13, 19, 23, 29, 31, 41, 53, 59, 71, 107, 113, 127]) % 1.0


def stream(seed: int, *path: int | str) -> np.random.Generator:
    """Return the random numbers that belong to one place of the catalogue.

    Parameters
    ----------
    seed : int
        Zero or above.
    *path : int or str
        Where, such as a style's slug, an artist's and a track's number.
    """
    words = [crc32(p.encode()) if isinstance(p, str) else p for p in path]
    # With their number, because a trailing zero alone makes no other seed.
    return np.random.default_rng([len(words), seed, *words])


@dataclass(frozen=True)
class Artist:
    """One artist's sound and habits.

    Attributes
    ----------
    style : Style
    number : int
        From 0 within the style.
    knobs : mapping of str to float
        Each of `KNOBS`, 0..1.
    voices : mapping of str to str
        Instrument by part.
    kit : str
    groove, scale : int
        Favourites among those of the style.
    """

    style: Style
    number: int
    knobs: Mapping[str, float]
    voices: Mapping[str, str]
    kit: str
    groove: int
    scale: int


def make_artist(seed: int, style: Style, number: int) -> Artist:
    """Return one artist of a style; the same for the same arguments."""
    start = stream(seed, "knobs", style.slug).random(len(KNOBS))
    place = (start + number * _STEPS) % 1.0
    knobs = {}
    for (name, default), share in zip(KNOBS.items(), place, strict=True):
        low, high = style.knobs.get(name, default)
        knobs[name] = low + (high - low) * float(share)
    shift = stream(seed, "choices", style.slug).integers(0, 1 << 16, size=len(PARTS) + 3)
    turn = [int(s) + number for s in shift]
    voices = {
        part: style.voices[part][turn[i] % len(style.voices[part])]
        for i, part in enumerate(PARTS)
        if part in style.voices
    }
    kit = style.kits[turn[-3] % len(style.kits)]
    return Artist(style, number, knobs, voices, kit, turn[-2], turn[-1])


def take_of(artist: Artist, *, seed: int, track: int) -> Artist:
    """Return an artist as heard on one track: another mood, microphone or instrument.

    Parameters
    ----------
    artist : Artist
    seed : int
    track : int
        Number from 0.
    """
    style = artist.style
    rng = stream(seed, "take", style.slug, artist.number, track)
    knobs = {}
    for name, value in artist.knobs.items():
        low, high = style.knobs.get(name, KNOBS[name])
        stray = 0.0 if name == "tempo" else _STRAY * (high - low) * float(rng.normal())
        knobs[name] = min(max(value + stray, low), high)
    voices = {
        part: style.voices[part][rng.integers(len(style.voices[part]))]
        if rng.random() < _SWITCH
        else voice
        for part, voice in artist.voices.items()
    }
    kit = style.kits[rng.integers(len(style.kits))] if rng.random() < _SWITCH else artist.kit
    groove = int(rng.integers(99)) if rng.random() < _SWITCH else artist.groove
    return replace(artist, knobs=knobs, voices=voices, kit=kit, groove=groove)


def tempo_of(artist: Artist) -> float:
    """Return an artist's usual tempo in beats a minute."""
    low, high = artist.style.tempo
    return low + (high - low) * artist.knobs["tempo"]


def timbre_vector(artist: Artist) -> npt.NDArray[np.float32]:
    """Return what is known of the sound of an artist, or of a take.

    Returns
    -------
    ndarray of float32, shape (16,)
        The knobs in their order; `tempo` as octaves above 60 beats a minute.
    """
    values = dict(artist.knobs, tempo=float(np.log2(tempo_of(artist) / 60.0)))
    return np.array([values[name] for name in KNOBS], dtype=np.float32)


def sample_timbre(
    *, seed: int = 7, styles: int = 8, artists: int = 5, tracks: int = 4
) -> npt.NDArray[np.float32]:
    """Return the composer's own timbre vectors, one row a track, in the order of `tracks.csv`.

    Parameters
    ----------
    seed, styles, artists, tracks : int
        Those of `generate_sample`.

    Returns
    -------
    ndarray of float32, shape (styles * artists * tracks, 16)
        Columns are `KNOBS`, not standardised.
    """
    rows = [
        timbre_vector(take_of(make_artist(seed, style, number), seed=seed, track=track))
        for style in first_styles(styles)
        for number in range(artists)
        for track in range(tracks)
    ]
    return np.stack(rows)
