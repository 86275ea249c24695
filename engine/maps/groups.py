"""Which colour a track has on a map."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from data.catalog import Track

COLOUR_BY = ("genre", "artist")

PALETTE = (
    "#3d7fd6",
    "#e8833a",
    "#3fa45b",
    "#d8504d",
    "#8f6bc9",
    "#2fa8a8",
    "#d66fb0",
    "#e0b02f",
    "#96704f",
    "#7fb93a",
    "#5c62d0",
    "#c9375f",
)
"""Colours of the most frequent groups, readable on white and on black."""

REST = "#9a9da3"
"""Colour of every other track."""

REST_NAME = "(the rest)"


@dataclass(frozen=True)
class Group:
    """Tracks of one colour.

    Attributes
    ----------
    name, colour : str
    members : tuple of int
        Positions of the tracks, ascending.
    """

    name: str
    colour: str
    members: tuple[int, ...]


def usual_colouring(tracks: Sequence[Track]) -> str:
    """Return "genre" where at least half of the tracks have one, else "artist"."""
    return "genre" if 2 * sum(bool(_label(t, "genre")) for t in tracks) >= len(tracks) else "artist"


def group_tracks(tracks: Sequence[Track], *, by: str) -> list[Group]:
    """Group tracks by artist or first genre.

    Parameters
    ----------
    tracks : sequence of Track
    by : str
        "artist" or "genre".

    Returns
    -------
    list of Group
        The most frequent first (ties by name), one a colour of `PALETTE`; then the rest, if any.
    """
    labels = [_label(track, by) for track in tracks]
    counts = Counter(label for label in labels if label)
    frequent = sorted(counts, key=lambda name: (-counts[name], name))[: len(PALETTE)]
    members: dict[str, list[int]] = {name: [] for name in (*frequent, REST_NAME)}
    for position, label in enumerate(labels):
        members.get(label, members[REST_NAME]).append(position)
    groups = [Group(n, c, tuple(members[n])) for n, c in zip(frequent, PALETTE, strict=False)]
    rest = tuple(members[REST_NAME])
    return [*groups, Group(REST_NAME, REST, rest)] if rest else groups


def _label(track: Track, by: str) -> str:
    value = track.artist if by == "artist" else (track.genre or "").split("|")[0]
    label = (value or "").strip()
    return "" if label == REST_NAME else label
