"""The tracks, in the order of their vocabulary."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from data.errors import DataError
from data.vocabulary import Vocabulary

TRACK_COLUMNS = ("title", "artist", "album", "genre", "released_at", "license", "audio_path")
"""Optional columns of a tracks file, each a string; several genres are joined by `|`."""

_EPOCH = date(1970, 1, 1)

_FIRST = {4: "-01-01", 7: "-01"}
"""What a year and a month lack to be a day, by their length."""

_SOME = 8  # genres that a message names
_SCHEMA = pa.schema([(name, pa.large_string()) for name in TRACK_COLUMNS])


@dataclass(frozen=True)
class Track:
    """One track and what is known of it; unknown fields are None."""

    track_id: str
    title: str | None = None
    artist: str | None = None
    album: str | None = None
    genre: str | None = None
    released_at: str | None = None
    license: str | None = None
    audio_path: str | None = None

    def as_dict(self) -> dict[str, str | None]:
        """Return the fields by name."""
        return asdict(self)


class Catalog:
    """An immutable table of tracks.

    Parameters
    ----------
    tracks : Vocabulary
        The ids, whose order is the order of the rows.
    columns : pyarrow.Table
        One row a track; any of `TRACK_COLUMNS`, missing ones read as unknown.

    Raises
    ------
    DataError
        If the number of rows differs from the number of ids.
    """

    def __init__(self, tracks: Vocabulary, columns: pa.Table) -> None:
        if len(columns) != len(tracks):
            raise DataError(f"A catalogue of {len(tracks)} ids was given {len(columns)} rows.")
        arrays = []
        for name in TRACK_COLUMNS:
            if name in columns.column_names:
                arrays.append(_whole(columns.column(name).cast(pa.large_string())))
            else:
                arrays.append(pa.nulls(len(tracks), pa.large_string()))
        self.tracks = tracks
        self._columns = pa.table(arrays, schema=_SCHEMA)

    @classmethod
    def from_frame(cls, frame: pd.DataFrame) -> Catalog:
        """Make a catalogue of a table with `track_id` and any of `TRACK_COLUMNS`, sorted by id."""
        frame = frame.sort_values("track_id", kind="stable")
        tracks = Vocabulary(frame["track_id"].tolist())
        columns = {}
        for name in TRACK_COLUMNS:
            if name in frame.columns:
                values = frame[name].astype(object).where(frame[name].notna(), None)
                columns[name] = pa.array(values.tolist(), type=pa.large_string())
            else:
                columns[name] = pa.nulls(len(frame), pa.large_string())
        return cls(tracks, pa.table(columns))

    def __len__(self) -> int:
        return len(self.tracks)

    def __repr__(self) -> str:
        return f"Catalog({len(self)} tracks)"

    def column(self, name: str) -> pa.Array:
        """Return one of `TRACK_COLUMNS` as a `large_string` array of shape (n,)."""
        chunked = self._columns.column(name)
        return chunked.chunk(0) if chunked.num_chunks else pa.array([], pa.large_string())

    def track(self, index: int) -> Track:
        """Return the track at an index; IndexError if there is none."""
        track_id = self.tracks.id(index)
        fields = {name: self.column(name)[int(index)].as_py() for name in TRACK_COLUMNS}
        return Track(track_id=track_id, **fields)

    @cached_property
    def artists(self) -> npt.NDArray[np.int32]:
        """Codes of the artists, shape (n,), int32; -1 where the artist is unknown."""
        encoded = self.column("artist").dictionary_encode()
        codes = encoded.indices.fill_null(-1)
        return np.asarray(codes.to_numpy(zero_copy_only=False), dtype=np.int32)

    @cached_property
    def released(self) -> npt.NDArray[np.float32]:
        """Days of release since 1970, shape (n,), float32; NaN where unknown or not a date.

        A year is its first day, a month its first.
        """
        texts = self.column("released_at").to_pylist()
        return np.fromiter(map(_day, texts), np.float32, count=len(texts))

    @cached_property
    def genres(self) -> dict[str, npt.NDArray[np.int32]]:
        """Indices of the tracks of each genre, ascending, by case-folded genre name."""
        members: dict[str, list[int]] = {}
        for index, joined in enumerate(self.column("genre").to_pylist()):
            for genre in {*map(fold, (joined or "").split("|"))} - {""}:
                members.setdefault(genre, []).append(index)
        return {g: np.array(m, dtype=np.int32) for g, m in sorted(members.items())}

    @property
    def some_genres(self) -> str:
        """The first genres by name, for who asked for another: "ambient, jazz, ..."."""
        names = list(self.genres)
        return ", ".join([*names[:_SOME], *["..."][: len(names) > _SOME]])

    def save(self, directory: Path, name: str) -> None:
        """Write the ids (see `Vocabulary.save`) and `{name}.columns.arrow`."""
        self.tracks.save(directory, name)
        path = str(directory / f"{name}.columns.arrow")
        with pa.OSFile(path, "wb") as sink, pa.ipc.new_file(sink, _SCHEMA) as writer:
            writer.write_table(self._columns, max_chunksize=max(1, len(self)))

    @classmethod
    def load(cls, directory: Path, name: str) -> Catalog:
        """Open a saved catalogue memory-mapped."""
        source = pa.memory_map(str(directory / f"{name}.columns.arrow"))
        return cls(Vocabulary.load(directory, name), pa.ipc.open_file(source).read_all())


def fold(name: str) -> str:
    """Return a name in the form in which names are compared."""
    return name.strip().casefold()


def _day(text: str | None) -> float:
    """Return the day of YYYY, YYYY-MM or YYYY-MM-DD, counted from 1970; NaN of anything else."""
    given = (text or "")[:10]
    try:
        return (date.fromisoformat(given + _FIRST.get(len(given), "")) - _EPOCH).days
    except ValueError:
        return float("nan")


def _whole(column: pa.ChunkedArray) -> pa.Array:
    """Return a column as one array, without copying where it is one (it may be memory-mapped)."""
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
