"""The Last.fm data set of HetRec 2011: 1,892 users, how often they played 17,632 artists.

Cantador, Brusilovsky and Kuflik, "Second Workshop on Information Heterogeneity and Fusion in
Recommender Systems", RecSys 2011. The plays may be used non-commercially only. An artist stands
for a track here, since the data know no tracks; there is no sound, and there are no times.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from data.archive import unpack
from data.download import download
from data.errors import DataError
from data.readers.writers import write_listens, write_tracks
from data.transfer import Progress

URL = "https://files.grouplens.org/datasets/hetrec2011/hetrec2011-lastfm-2k.zip"
SHA256 = "6738f48195667ff03caaab4d32ca9a3133d8cc026b7c3cdaf6ce1010e913c59c"
LICENSE = "Last.fm, non-commercial use"

_ARTISTS, _PLAYS = "artists.dat", "user_artists.dat"


@dataclass(frozen=True)
class LastfmFiles:
    """The data set as files that `segue import` reads."""

    tracks: Path
    listens: Path


def read_artists(path: Path) -> pd.DataFrame:
    """Read `artists.dat` as tracks.

    Returns
    -------
    DataFrame
        `track_id`, `title`, `artist` (both the artist's name) and `license`.

    Raises
    ------
    DataError
        If the file cannot be read or is not of this data set.
    """
    frame = _table(path, ["id", "name"])
    columns = {"track_id": frame["id"], "title": frame["name"], "artist": frame["name"]}
    return pd.DataFrame({**columns, "license": LICENSE})


def read_plays(path: Path) -> pd.DataFrame:
    """Read `user_artists.dat` as listens.

    Returns
    -------
    DataFrame
        `user_id`, `track_id` and `count` (float64), one row a pair.

    Raises
    ------
    DataError
        If the file cannot be read or is not of this data set.
    """
    frame = _table(path, ["userID", "artistID", "weight"])
    try:
        count = frame["weight"].astype("float64")
    except ValueError as error:
        raise DataError(f"{path.name}: `weight` must be a number of plays: {error}.") from None
    return pd.DataFrame({"user_id": frame["userID"], "track_id": frame["artistID"], "count": count})


def fetch_lastfm(
    directory: Path, *, url: str = URL, sha256: str = SHA256, progress: Progress | None = None
) -> LastfmFiles:
    """Fetch the data set (2.5 MB), and write it as files of tracks and listens.

    What is there already is not fetched again. Artists that nobody played are left out.

    Parameters
    ----------
    directory : Path
        Where the archive and the files go.
    url, sha256 : str
        Where the archive is, and its checksum.
    progress : callable, optional
        Called with how far, of how much, and of what.

    Raises
    ------
    DataError
        If the archive cannot be fetched or unpacked, or its checksum is wrong.
    """
    archive = download(
        url, directory / "hetrec2011-lastfm-2k.zip", sha256=sha256, progress=progress
    )
    unpack(archive, directory, wanted={_ARTISTS, _PLAYS}.__contains__, progress=progress)
    files = LastfmFiles(directory / "segue-tracks.csv", directory / "segue-listens.csv")
    plays = read_plays(directory / _PLAYS)
    tracks = read_artists(directory / _ARTISTS)
    write_tracks(files.tracks, [tracks[tracks["track_id"].isin(plays["track_id"])]])
    write_listens(files.listens, [plays])
    return files


def _table(path: Path, wanted: list[str]) -> pd.DataFrame:
    """Read some columns of a tab-separated file as text; quotes mean nothing in it."""
    try:
        frame = pd.read_csv(
            path, sep="\t", dtype=str, quoting=3, keep_default_na=False, usecols=wanted
        )
    except (OSError, ValueError) as error:
        raise DataError(f"{path.name} is not of the Last.fm data set: {error!s:.200}") from None
    return frame[wanted]
