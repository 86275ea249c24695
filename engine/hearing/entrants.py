"""Trained encoders that are measured as they are, and whose music each of them heard."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from audio_model.heard_names import HeardNames, name_key, read_heard
from audio_model.keras_encoder import KerasEncoder
from audio_model.pretrained import pretrained_directory
from engine.hearing.held_out import BoolArray

PRETRAINED = "pretrained"
"""The name of the encoder that Segue ships."""

_LONGEST = 16  # letters of a directory's name: tables stay narrow


@dataclass(frozen=True)
class Entrant:
    """A trained encoder.

    Attributes
    ----------
    name : str
    encoder : KerasEncoder
    heard : HeardNames or None
        Whose music it was trained on; None where nothing says so.
    """

    name: str
    encoder: KerasEncoder
    heard: HeardNames | None


def read_entrants(
    directories: Sequence[Path], *, pretrained: bool, taken: Collection[str] = ()
) -> list[Entrant]:
    """Load encoders, named by their directories, and the one that Segue ships.

    Parameters
    ----------
    directories : sequence of Path
        See `KerasEncoder.load`.
    pretrained : bool
        Whether the one that Segue ships comes first.
    taken : collection of str
        Names of other systems, which no directory may have.

    Returns
    -------
    list of Entrant

    Raises
    ------
    BundleError
        If one is missing or corrupt.
    """
    entrants = [_read(pretrained_directory(), PRETRAINED)] if pretrained else []
    used = {*taken, *(entrant.name for entrant in entrants)}
    for directory in directories:
        name = short = directory.resolve().name[:_LONGEST]
        number = 2
        while name in used:
            name, number = f"{short} {number}", number + 1
        used.add(name)
        entrants.append(_read(directory, name))
    return entrants


def _read(directory: Path, name: str) -> Entrant:
    return Entrant(name, KerasEncoder.load(directory), read_heard(directory))


def heard_tracks(
    artists: Sequence[str | None], albums: Sequence[str | None], entrants: Sequence[Entrant]
) -> BoolArray:
    """Return which tracks tell of an artist that some encoder heard, bool, shape (n,).

    Those whose artist, or whose album, is among the names that an encoder says it heard. (A track
    of a heard album makes its artist a heard one, see `hold_out`.)
    """
    names = [entrant.heard for entrant in entrants if entrant.heard is not None]
    return np.array(
        [
            any(name_key(a) in h.artists or name_key(b) in h.albums for h in names)
            for a, b in zip(artists, albums, strict=True)
        ],
        dtype=np.bool_,
    )
