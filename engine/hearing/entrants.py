"""Trained encoders that are measured as they are, and whose music each of them heard."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from audio_model.arrays import UNREADABLE
from audio_model.keras_encoder import KerasEncoder
from audio_model.pretrained import HeardNames, pretrained_directory
from data.errors import BundleError
from engine.hearing.held_out import BoolArray, label_key

PRETRAINED = "pretrained"
"""The name of the encoder that Segue ships."""

_HEARD = "heard.json"
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


def read_heard(directory: Path) -> HeardNames | None:
    """Return whose music the encoder in a directory heard, None where no file says so.

    The file, `heard.json`, is `{"artists": [...], "albums": [...]}`.

    Raises
    ------
    BundleError
        If the file is something else.
    """
    path = directory / _HEARD
    if not path.is_file():
        return None
    try:
        document = json.loads(path.read_text("utf-8"))
        artists, albums = (
            frozenset(label_key(str(name)) for name in list(document[kind]))
            for kind in ("artists", "albums")
        )
    except UNREADABLE as error:
        raise BundleError(
            f"{str(path)!r} must say whose music the encoder heard, as "
            f'{{"artists": [...], "albums": [...]}}. Received: {error!s:.80}.'
        ) from error
    return HeardNames(artists, albums)


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
            any(label_key(a) in h.artists or label_key(b) in h.albums for h in names)
            for a, b in zip(artists, albums, strict=True)
        ],
        dtype=np.bool_,
    )
