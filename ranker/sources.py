"""What each source goes by: sound, behaviour, popularity."""

from __future__ import annotations

SIGNALS = ("sound", "behaviour", "popularity")
"""The signals whose shares are told."""

SIGNAL_OF = {
    "audio": "sound",
    "seeds": "sound",
    "cold": "sound",  # a factor, but one that was predicted from sound
    "cf": "behaviour",
    "neighbours": "behaviour",
    "popular": "popularity",
    "trending": "popularity",
    "new": "popularity",
}
"""What each source goes by. A source of another name is no part of any share."""
