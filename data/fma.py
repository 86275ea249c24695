"""The Free Music Archive data set: its metadata read, its archives fetched.

Defferrard, Benzi, Vandergheynst and Bresson, "FMA: A Dataset For Music Analysis", ISMIR 2017.
`fma_metadata/tracks.csv` has three header rows: the groups of the columns, the columns, and the
name of the index. The audio of track 2 is `000/000002.mp3`, with the first three digits of six as
the folder.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from data.archive import unpack
from data.catalog import TRACK_COLUMNS
from data.checks import check_choice
from data.download import download
from data.fma_tables import genre_names, iso_date, joined_names, raw_tracks
from data.readers.writers import write_tracks
from data.transfer import Progress

BASE_URL = "https://os.unil.cloud.switch.ch/fma"

SUBSETS = ("small", "medium", "large")
"""Nested: each holds the tracks of those before it."""

SIZES = (*SUBSETS, "full")
"""`full` is every track, untrimmed."""

CHECKSUMS = {
    "fma_metadata": "f0df49ffe5f2a6008d7dc83c6915b31835dfe733",
    "fma_small": "ade154f733639d52e35e32f5593efe5be76c6d70",
    "fma_medium": "c67b69ea232021025fca9231fc1c7c1a063ab50b",
    "fma_large": "497109f4dd721066b5ce5e5f250ec604dc78939e",
    "fma_full": "0f0ace23fbe9ba30ecb7e95f763e435ea802b8ab",
}
"""SHA-1 of each archive, as published with the data set."""


def read_fma_tracks(
    tracks_csv: Path, audio_dir: Path | None = None, *, size: str = "small"
) -> pd.DataFrame:
    """Read the tracks of one size of the data set.

    Parameters
    ----------
    tracks_csv : Path
        `fma_metadata/tracks.csv`. The names of genres come from `genres.csv` beside it.
    audio_dir : Path, optional
        The folder of `000/000002.mp3`, such as `fma_small`.
    size : str
        One of `SIZES`.

    Returns
    -------
    DataFrame
        `track_id` and all `TRACK_COLUMNS`, str or None, in the order of the file. `genre` is the
        top genre, or where there is none the names of all genres, joined by `|`. `released_at` is
        the date of the album. `audio_path` is None where there is no such file.

    Raises
    ------
    ParameterError
        If `size` is unknown.
    DataError
        If a file cannot be read or is not of this data set.
    """
    check_choice("size", size, SIZES)
    frame = raw_tracks(tracks_csv)
    if size != "full":
        frame = frame[frame["subset"].isin(SUBSETS[: SUBSETS.index(size) + 1])]
    names = genre_names(tracks_csv.with_name("genres.csv"))
    pairs = zip(frame["genre"], frame["genres_all"], strict=True)
    columns = {
        **frame,
        "genre": [top or joined_names(all_of_them, names) for top, all_of_them in pairs],
        "released_at": [iso_date(text) for text in frame["released_at"]],
        "audio_path": [_audio_path(audio_dir, track_id) for track_id in frame["track_id"]],
    }
    series = {
        n: pd.Series(_or_none(columns[n]), dtype=object) for n in ("track_id", *TRACK_COLUMNS)
    }
    return pd.DataFrame(series)


def fetch_fma(
    directory: Path,
    *,
    size: str = "small",
    base_url: str = BASE_URL,
    checksums: Mapping[str, str] = CHECKSUMS,
    progress: Progress | None = None,
) -> Path:
    """Fetch one size of the data set, and write it as a tracks file.

    What is there already is not fetched or unpacked again. The archives stay, since they are
    what a later run is checked against.

    Parameters
    ----------
    directory : Path
        Where `fma_metadata`, `fma_{size}` and their archives go. `small` takes 16 GB here,
        `medium` 50, `large` 200 and `full` 1,900, archive included.
    size : str
        One of `SIZES`.
    base_url : str
        Where the archives are.
    checksums : mapping of str to str
        SHA-1 of each archive, by its name without `.zip`.
    progress : callable, optional
        Called with how far, of how much, and of which archive: bytes while it is fetched, then
        members while it is unpacked.

    Returns
    -------
    Path
        `segue-tracks.csv` in `directory`, ready for `segue import tracks`; its audio paths are
        relative to it.

    Raises
    ------
    ParameterError
        If `size` is unknown.
    DataError
        If an archive cannot be fetched or unpacked, or its checksum is wrong.
    """
    check_choice("size", size, SIZES)
    for name in ("fma_metadata", f"fma_{size}"):
        url = f"{base_url.rstrip('/')}/{name}.zip"
        archive = directory / f"{name}.zip"
        download(url, archive, sha1=checksums[name], progress=progress)
        unpack(archive, directory, wanted=_is_wanted, progress=progress)
    frame = read_fma_tracks(
        directory / "fma_metadata" / "tracks.csv", directory / f"fma_{size}", size=size
    )
    frame["audio_path"] = [
        None if path is None else str(Path(path).relative_to(directory))
        for path in frame["audio_path"]
    ]
    target = directory / "segue-tracks.csv"
    write_tracks(target, [frame])
    return target


def _is_wanted(member: str) -> bool:
    """Whether we read a member: of the metadata only two tables, of the audio all clips."""
    return member.endswith((".mp3", "/tracks.csv", "/genres.csv"))


def _audio_path(audio_dir: Path | None, track_id: str) -> str | None:
    if audio_dir is None:
        return None
    name = track_id.zfill(6)
    path = audio_dir / name[:3] / f"{name}.mp3"
    return str(path) if path.is_file() else None


def _or_none(values: object) -> list[str | None]:
    return [value or None for value in values]  # type: ignore[attr-defined]  # a column
