"""The two tables of FMA's metadata that we read: `tracks.csv` and `genres.csv`."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pandas as pd

from data.errors import DataError

_COLUMNS = {
    "title": ("track", "title"),
    "artist": ("artist", "name"),
    "album": ("album", "title"),
    "genre": ("track", "genre_top"),
    "genres_all": ("track", "genres_all"),
    "released_at": ("album", "date_released"),
    "license": ("track", "license"),
    "subset": ("set", "subset"),
}


def raw_tracks(tracks_csv: Path) -> pd.DataFrame:
    """Return the columns that we read, as text, under our names."""
    try:
        places = _places(tracks_csv)
        frame = pd.read_csv(
            tracks_csv,
            header=None,
            skiprows=3,
            usecols=list(places.values()),
            dtype=str,
            keep_default_na=False,
        )
    except FileNotFoundError:
        raise DataError(f"There is no file {tracks_csv}.") from None
    except (OSError, ValueError, csv.Error) as error:
        raise DataError(
            f"{tracks_csv} cannot be read: {error!s:.200}. Is it tracks.csv of fma_metadata?"
        ) from error
    return frame.rename(columns={place: name for name, place in places.items()})


def _places(tracks_csv: Path) -> dict[str, int]:
    """Return which column is where, by the three header rows."""
    with tracks_csv.open(newline="", encoding="utf-8") as file:
        rows = csv.reader(file)
        groups, names, index = (next(rows, []) for _ in range(3))
    if index[:1] != ["track_id"]:
        raise ValueError("its third row does not begin with track_id")
    found = {pair: place for place, pair in enumerate(zip(groups, names, strict=True))}
    missing = [" ".join(pair) for pair in _COLUMNS.values() if pair not in found]
    if missing:
        raise ValueError(f"it lacks the column {missing[0]}")
    return {"track_id": 0, **{name: found[pair] for name, pair in _COLUMNS.items()}}


def genre_names(genres_csv: Path) -> dict[int, str]:
    """Return the names of the genres by their number; none if there is no such file."""
    if not genres_csv.exists():
        return {}
    try:
        frame = pd.read_csv(genres_csv, usecols=["genre_id", "title"], keep_default_na=False)
        return dict(zip(frame["genre_id"].astype(int), frame["title"].astype(str), strict=True))
    except (OSError, ValueError) as error:
        raise DataError(f"{genres_csv} cannot be read: {error!s:.200}.") from error


def joined_names(numbers: str, names: dict[int, str]) -> str:
    """Return the names of a list of genres such as "[21, 45]", joined by `|`."""
    try:
        found = [names.get(number) for number in json.loads(numbers or "[]")]
    except (ValueError, TypeError):
        return ""
    return "|".join(name for name in found if name)


def iso_date(text: str) -> str:
    """Return the date of a time such as "2009-01-05 00:00:00", or nothing."""
    try:
        return str(np.datetime64(text[:10], "D")) if text else ""
    except ValueError:
        return ""
