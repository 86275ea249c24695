"""Which sounds of the Debian packages count as music to train on, and which are held back.

What is held back would spoil the measure of the shipped encoder: artists that it was trained on
may not be among those that it is asked about. Whole packages are left out for the same reason in
`debian_packages.txt`.
"""

from __future__ import annotations

import re
from fnmatch import fnmatchcase

NOT_MUSIC = (
    "*/ambient/*",
    "*/animals/*",
    "*/environment/*",
    "*/weather/*",
    "*ambient.ogg",
    "*/lumberjack*.ogg",
    "*/sheepfield*.ogg",
    "*/silence.ogg",
    "*/waves.ogg",
    "*/wind.ogg",
)
"""Patterns of paths in lower case: rain, wind, animals, crowds."""

HELD_BACK = re.compile(r"zhay|leutwyler|lavallee|maxstack", re.IGNORECASE)
"""Names in artist tags of artists that the encoder is measured on."""

TAGGED_ONLY = frozenset({"freecol", "supertux-data", "unknown-horizons", "widelands-data"})
"""Packages that name one of them in their credits: a track without an artist tag may be theirs."""


def is_music(path: str) -> bool:
    """Whether the sound file at a path inside its package is music, as far as its name tells."""
    return not any(fnmatchcase(f"/{path}".lower(), pattern) for pattern in NOT_MUSIC)


def is_held_back(package: str, artist: str | None) -> bool:
    """Whether a track with this artist tag is, or may be, one that the encoder is measured on."""
    if not artist:
        return package in TAGGED_ONLY
    return HELD_BACK.search(artist) is not None
