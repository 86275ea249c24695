"""Tracks, listens, embeddings and recommendations written to files.

Every writer takes its table in pieces, writes them as they come, and gives the file its name
only when it is whole. What the readers read, the writers write back the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from data.errors import DataError
from data.readers.embeddings import Batch
from data.readers.formats import LISTENS, TRACKS, format_of
from data.readers.sinks import open_sink

_TEXT = pa.large_string()
_TRACKS = pa.schema([(name, _TEXT) for name in (*TRACKS.required, *TRACKS.optional)])
_LISTENS = pa.schema(
    [
        (name, {"count": pa.float64(), "played_ms": pa.int64()}.get(name, _TEXT))
        for name in (*LISTENS.required, *LISTENS.optional)
    ]
)
_UNIX = pa.field("listened_at", pa.int64())
_RECOMMENDATIONS = pa.schema(
    [("user_id", _TEXT), ("rank", pa.int32()), ("track_id", _TEXT), ("score", pa.float64())]
)


def write_tracks(path: Path, frames: Iterable[pd.DataFrame]) -> int:
    """Write a tracks file.

    Parameters
    ----------
    path : Path
        CSV, TSV, JSON lines or Parquet, by suffix; text also gzipped.
    frames : iterable of DataFrame
        As `read_tracks` yields them. A column that a frame lacks is written as missing values.

    Returns
    -------
    int
        Rows written.

    Raises
    ------
    DataError
        If the suffix is unknown, or a frame lacks `track_id`.
    """
    tables = (_table(frame, _TRACKS, needed=1) for frame in frames)
    # With nulls: a key that a track leaves out would say nothing, and leave what is stored alone.
    return _write(path, tables, _TRACKS, nulls=True)


def write_listens(path: Path, frames: Iterable[pd.DataFrame]) -> int:
    """Write a listens file.

    Parameters
    ----------
    path : Path
        As for `write_tracks`.
    frames : iterable of DataFrame
        As `read_listens` yields them; only `user_id` and `track_id` are needed. `at`, or where it
        is missing `listened_at` (Unix seconds or ISO 8601), is written as `listened_at`: in
        Parquet as Unix seconds and in text as ISO 8601 in UTC. It is left empty where it is
        negative or missing.

    Returns
    -------
    int
        Rows written.

    Raises
    ------
    DataError
        If the suffix is unknown, or a frame lacks an id.
    """
    binary = format_of(Path(path), "listens")[0] == ".parquet"
    schema = pa.schema([_UNIX if binary and f.name == _UNIX.name else f for f in _LISTENS])
    times = _unix if binary else _iso
    timed = (frame.assign(listened_at=times(_at(frame))) for frame in frames)
    return _write(path, (_table(frame, schema, needed=2) for frame in timed), schema)


def write_recommendations(path: Path, frames: Iterable[pd.DataFrame]) -> int:
    """Write a file of recommendations.

    Parameters
    ----------
    path : Path
        As for `write_tracks`.
    frames : iterable of DataFrame
        `user_id`, `rank` (from 1), `track_id`, `score`; other columns are left out.

    Returns
    -------
    int
        Rows written.

    Raises
    ------
    DataError
        If the suffix is unknown, or a frame lacks a column.
    """
    tables = (_table(frame, _RECOMMENDATIONS, needed=4) for frame in frames)
    return _write(path, tables, _RECOMMENDATIONS)


def write_embeddings(path: Path, batches: Iterable[Batch]) -> int:
    """Write an embeddings file.

    Parameters
    ----------
    path : Path
        As for `write_tracks`; in CSV and TSV each vector is written as a JSON list.
    batches : iterable of (list of str, ndarray of float32 of shape (m, d))
        As `read_embeddings` yields them.

    Returns
    -------
    int
        Rows written.

    Raises
    ------
    DataError
        If the suffix is unknown, or ids and vectors differ in number.
    """
    schema = pa.schema([("track_id", _TEXT), ("embedding", pa.list_(pa.float32()))])
    return _write(path, (_vectors(ids, rows, schema) for ids, rows in batches), schema)


def _write(
    path: Path, tables: Iterator[pa.Table], schema: pa.Schema, *, nulls: bool = False
) -> int:
    rows = 0
    with open_sink(Path(path), schema, nulls=nulls) as sink:
        for table in tables:
            sink(table)
            rows += table.num_rows
    return rows


def _table(frame: pd.DataFrame, schema: pa.Schema, *, needed: int) -> pa.Table:
    """Return the columns of the schema; the first `needed` must be there."""
    missing = [name for name in schema.names[:needed] if name not in frame]
    if missing:
        raise DataError(f"The table to be written lacks the column `{missing[0]}`.")
    return pa.table([_column(frame, field) for field in schema], schema=schema)


def _column(frame: pd.DataFrame, field: pa.Field) -> pa.Array:
    if field.name not in frame:
        return pa.nulls(len(frame), field.type)
    return pa.array(frame[field.name], type=field.type, from_pandas=True)


def _at(frame: pd.DataFrame) -> npt.NDArray[np.int64]:
    """Return Unix seconds of shape (n,), -1 where unknown."""
    if "at" in frame:
        return np.asarray(frame["at"].to_numpy(dtype=np.int64))
    if "listened_at" not in frame:
        return np.full(len(frame), -1, dtype=np.int64)
    given = frame["listened_at"]
    if not pd.api.types.is_numeric_dtype(given):
        parsed = pd.to_datetime(given, utc=True, format="ISO8601")
        given = parsed.dt.as_unit("s").astype("int64").where(parsed.notna(), -1)
    return np.asarray(given.fillna(-1).to_numpy(dtype=np.int64))


def _unix(at: npt.NDArray[np.int64]) -> Any:
    """Return times as integers, NA where unknown."""
    return pd.arrays.IntegerArray(at, at < 0)


def _iso(at: npt.NDArray[np.int64]) -> npt.NDArray[np.object_]:
    """Return times as ISO 8601 texts, None where unknown."""
    texts = np.datetime_as_string(np.maximum(at, 0).astype("datetime64[s]"), timezone="UTC")
    result: npt.NDArray[np.object_] = texts.astype(object)
    result[at < 0] = None
    return result


def _vectors(ids: list[str], rows: npt.NDArray[Any], schema: pa.Schema) -> pa.Table:
    if rows.ndim != 2 or len(ids) != len(rows):
        raise DataError(f"{len(ids)} ids were given embeddings of shape {rows.shape}.")
    offsets = np.arange(len(ids) + 1, dtype=np.int32) * rows.shape[1]
    values = pa.array(np.ascontiguousarray(rows, dtype=np.float32).ravel())
    lists = pa.ListArray.from_arrays(pa.array(offsets, type=pa.int32()), values)
    return pa.table([pa.array(ids, type=_TEXT), lists], schema=schema)
