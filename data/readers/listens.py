"""The reader of listens."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from data.interactions import EVENTS
from data.readers import columns
from data.readers.chunk import Chunk
from data.readers.formats import LISTENS
from data.readers.rejects import RejectSink
from data.readers.tables import Source
from data.readers.times import times

_NAMES = np.array(EVENTS, dtype=object)


def read_listens(path: Path, *, rejects: RejectSink | None = None) -> Iterator[pd.DataFrame]:
    """Read a listens file.

    Parameters
    ----------
    path : Path
        CSV, TSV, JSON lines or Parquet, by suffix; text also gzipped. Ids are text; a whole
        number in JSON or Parquet becomes its decimal string.
    rejects : RejectSink, optional
        Where bad rows go. Without one the first bad row is an error.

    Yields
    ------
    DataFrame
        At least one, of at most 200,000 rows, with these columns; an empty cell reads as if its
        column were absent:

        ============  ===============================================================
        `user_id`     str
        `track_id`    str
        `count`       float64, above zero; 1 where missing
        `event`       str, one of `EVENTS`; `listen` where missing
        `at`          int64, Unix seconds of `listened_at`, rounded down; -1 where missing
        `played_ms`   Int64, zero or above, or NA
        `event_id`    str or None
        ============  ===============================================================

        `listened_at` is ISO 8601 (UTC where it names no zone), or a number: Unix seconds.

    Raises
    ------
    DataError
        If the file cannot be read, lacks a column, or has a bad row and `rejects` is None.
    """
    source = Source(path, LISTENS, rejects=rejects)
    return (_frame(checked(chunk, source)) for chunk in source.chunks())


@dataclass(frozen=True, eq=False)
class Listens:
    """Rows of a listens file, checked.

    Attributes
    ----------
    user, track : pyarrow.Array
        Ids of shape (n,), `large_string` or dictionaries of it, none null.
    code : ndarray of int8, shape (n,)
        Positions in `data.interactions.EVENTS`.
    count : ndarray of float64, shape (n,)
        Above zero.
    at : ndarray of int64, shape (n,)
        Unix seconds; -1 where unknown.
    played_ms : ndarray of int64, shape (n,)
        Zero where unknown.
    unplayed : ndarray of bool, shape (n,)
        Where `played_ms` is unknown.
    event_id : pyarrow.Array
        Texts of shape (n,), null where there is none.
    """

    user: pa.Array
    track: pa.Array
    code: npt.NDArray[np.int8]
    count: npt.NDArray[np.float64]
    at: npt.NDArray[np.int64]
    played_ms: npt.NDArray[np.int64]
    unplayed: npt.NDArray[np.bool_]
    event_id: pa.Array

    def take(self, rows: npt.NDArray[np.int64]) -> Listens:
        """Return the rows at positions."""
        places = pa.array(rows)
        parts = {field.name: getattr(self, field.name) for field in fields(self)}
        return Listens(
            **{n: v.take(places if isinstance(v, pa.Array) else rows) for n, v in parts.items()}
        )


def checked(chunk: Chunk, source: Source) -> Listens:
    """Check the rows of a chunk; bad ones are reported and left out.

    Raises
    ------
    DataError
        For the first bad row, if the source has no sink for it.
    """
    faults = columns.Faults(len(chunk))
    user, track = chunk.columns["user_id"], chunk.columns["track_id"]
    columns.ids("user_id", user, faults)
    columns.ids("track_id", track, faults)
    event_id = _optional(chunk, "event_id")
    columns.ids("event_id", event_id, faults, optional=True)
    played, unplayed = columns.durations(_optional(chunk, "played_ms"), faults)
    count = columns.counts(_optional(chunk, "count"), faults)
    code = columns.events(_optional(chunk, "event"), faults)
    at = times(_optional(chunk, "listened_at"), faults)
    good = source.settle(chunk, faults)
    rows = Listens(user, track, code, count, at, played, unplayed, event_id)
    return rows if good is None else rows.take(good)


def _optional(chunk: Chunk, name: str) -> pa.Array:
    if name not in chunk.columns:
        return pa.nulls(len(chunk))
    array = chunk.columns[name]
    return columns.blank_to_null(array) if pa.types.is_large_string(array.type) else array


def _frame(rows: Listens) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "user_id": pd.Series(columns.strings(rows.user), dtype=object),
            "track_id": pd.Series(columns.strings(rows.track), dtype=object),
            "count": rows.count,
            "event": pd.Series(_NAMES[rows.code], dtype=object),
            "at": rows.at,
            "played_ms": pd.arrays.IntegerArray(rows.played_ms, rows.unplayed),
            "event_id": pd.Series(columns.strings(rows.event_id), dtype=object),
        }
    )
