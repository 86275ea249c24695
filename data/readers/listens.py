"""The reader of listens."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pyarrow as pa

from data.readers import columns
from data.readers.chunk import Chunk
from data.readers.formats import LISTENS
from data.readers.rejects import RejectSink
from data.readers.tables import Source
from data.readers.times import times


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
    return (_frame(chunk, source) for chunk in source.chunks())


def _frame(chunk: Chunk, source: Source) -> pd.DataFrame:
    faults = columns.Faults(len(chunk))
    user, track = chunk.columns["user_id"], chunk.columns["track_id"]
    columns.ids("user_id", user, faults)
    columns.ids("track_id", track, faults)
    event_id = _optional(chunk, "event_id")
    columns.ids("event_id", event_id, faults, optional=True)
    played, unknown = columns.durations(_optional(chunk, "played_ms"), faults)
    frame = pd.DataFrame(
        {
            "user_id": pd.Series(columns.strings(user), dtype=object),
            "track_id": pd.Series(columns.strings(track), dtype=object),
            "count": columns.counts(_optional(chunk, "count"), faults),
            "event": pd.Series(columns.events(_optional(chunk, "event"), faults), dtype=object),
            "at": times(_optional(chunk, "listened_at"), faults),
            "played_ms": pd.arrays.IntegerArray(played, unknown),
            "event_id": pd.Series(columns.strings(event_id), dtype=object),
        }
    )
    good = source.settle(chunk, faults)
    return frame if good is None else frame.iloc[good].reset_index(drop=True)


def _optional(chunk: Chunk, name: str) -> pa.Array:
    if name not in chunk.columns:
        return pa.nulls(len(chunk), pa.large_string())
    return columns.blank_to_null(chunk.columns[name])
