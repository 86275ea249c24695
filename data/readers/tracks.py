"""The reader of tracks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from data.readers import columns
from data.readers.chunk import Chunk
from data.readers.formats import TRACKS
from data.readers.rejects import RejectSink
from data.readers.tables import Source, duplicates
from data.readers.times import dates


def read_tracks(path: Path, *, rejects: RejectSink | None = None) -> Iterator[pd.DataFrame]:
    """Read a tracks file.

    Parameters
    ----------
    path : Path
        CSV, TSV, JSON lines or Parquet, by suffix; text also gzipped. An id is text; a whole
        number in JSON or Parquet becomes its decimal string.
    rejects : RejectSink, optional
        Where bad rows go. Without one the first bad row is an error.

    Yields
    ------
    DataFrame
        At least one, of at most 200,000 rows: `track_id` and those of `TRACK_COLUMNS` that the
        file has, str or None (also for an empty text). `audio_path` is absolute: a relative one
        is taken from the folder of the file. `released_at` is YYYY, YYYY-MM or YYYY-MM-DD.

    Raises
    ------
    DataError
        If the file cannot be read, lacks `track_id`, or has a bad row and `rejects` is None. An
        id that occurs a second time is a bad row.
    """
    return _frames(Source(path, TRACKS, rejects=rejects))


def _frames(source: Source) -> Iterator[pd.DataFrame]:
    seen: set[str] = set()
    for chunk in source.chunks():
        yield _frame(chunk, source, seen)


def _frame(chunk: Chunk, source: Source, seen: set[str]) -> pd.DataFrame:
    faults = columns.Faults(len(chunk))
    columns.ids("track_id", chunk.columns["track_id"], faults)
    texts = {"track_id": chunk.columns["track_id"]}
    for name in TRACKS.optional:
        if name in chunk.columns:
            texts[name] = columns.blank_to_null(chunk.columns[name])
            columns.no_nul(name, texts[name], faults)
    if "released_at" in texts:
        dates("released_at", texts["released_at"], faults)
    duplicates(texts["track_id"], seen, faults)
    if "audio_path" in texts:
        texts["audio_path"] = _absolute(texts["audio_path"], source.path)
    good = source.settle(chunk, faults)
    if good is not None:
        texts = {name: array.take(pa.array(good)) for name, array in texts.items()}
    series = {n: pd.Series(columns.strings(a), dtype=object) for n, a in texts.items()}
    return pd.DataFrame(series)


def _absolute(paths: pa.Array, file: Path) -> pa.Array:
    folder = f"{file.absolute().parent}/".replace("//", "/")
    between = pa.scalar("", paths.type)
    joined = pc.binary_join_element_wise(pa.scalar(folder, paths.type), paths, between)
    return pc.if_else(pc.starts_with(paths, "/"), paths, joined)
