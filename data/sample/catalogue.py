"""The rows of the sample's tracks file."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import timedelta

import pandas as pd

from data.catalog import TRACK_COLUMNS
from data.sample.artists import stream
from data.sample.dates import LISTENING_FROM, LISTENING_TO, RELEASES_FROM
from data.sample.names import album_title, artist_name, track_title
from data.sample.styles import first_styles

_ALBUM = 4  # tracks of an album
_RECENT = 0.3  # share of albums that come out while people listen


@dataclass(frozen=True)
class SampleTrack:
    """One track to be made.

    Attributes
    ----------
    style, artist, track : int
        Numbers from 0: of the style in `STYLES`, within it, and within the artist.
    track_id, title, artist_name, album, genre, released_at, audio_path : str
    """

    style: int
    artist: int
    track: int
    track_id: str
    title: str
    artist_name: str
    album: str
    genre: str
    released_at: str
    audio_path: str


def released_at(seed: int, *, style: str, artist: int, album: int) -> str:
    """Return the ISO date on which an album comes out."""
    rng = stream(seed, "release", style, artist, album)
    if rng.random() < _RECENT:
        days = (LISTENING_TO - LISTENING_FROM).days - 60
        return (LISTENING_FROM.date() + timedelta(days=int(rng.integers(days)))).isoformat()
    days = (LISTENING_FROM.date() - RELEASES_FROM).days
    return (RELEASES_FROM + timedelta(days=int(rng.integers(days)))).isoformat()


def sample_tracks(*, seed: int, styles: int, artists: int, tracks: int) -> list[SampleTrack]:
    """Return all tracks of a sample, by style, artist and number.

    A track is the same in every sample of its seed, whatever the other three.
    """
    rows = []
    for s, style in enumerate(first_styles(styles)):
        for a in range(artists):
            for t in range(tracks):
                track_id = f"sample-{style.slug}-{a + 1:02d}-{t + 1}"
                rows.append(
                    SampleTrack(
                        style=s,
                        artist=a,
                        track=t,
                        track_id=track_id,
                        title=track_title(seed, s, a, t),
                        artist_name=artist_name(seed, s, a),
                        album=album_title(seed, s, a, t // _ALBUM),
                        genre=style.name,
                        released_at=released_at(
                            seed, style=style.slug, artist=a, album=t // _ALBUM
                        ),
                        audio_path=f"audio/{track_id}.mp3",
                    )
                )
    return rows


def tracks_frame(rows: list[SampleTrack]) -> pd.DataFrame:
    """Return the table of a tracks file: `track_id` and all of `TRACK_COLUMNS`."""
    frame = pd.DataFrame([asdict(row) for row in rows])
    frame["artist"] = frame.pop("artist_name")
    frame["license"] = "CC0-1.0"
    return frame[["track_id", *TRACK_COLUMNS]]
