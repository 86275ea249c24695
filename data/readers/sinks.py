"""Arrow tables written to a file, piece by piece, in the format of its suffix."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from data.files import atomic_path
from data.readers.formats import DELIMITERS, format_of

Sink = Callable[[pa.Table], None]


@contextmanager
def open_sink(path: Path, schema: pa.Schema, *, nulls: bool = False) -> Iterator[Sink]:
    """Give a function that appends a table; the file appears when the block ends without error.

    `nulls` says whether JSON lines write a missing value as null, or leave its key out.

    Raises
    ------
    DataError
        If the suffix is unknown.
    """
    suffix, gzipped = format_of(path, "table")
    with atomic_path(path) as temporary:
        if suffix == ".parquet":
            with pq.ParquetWriter(temporary, schema, compression="zstd") as writer:
                yield writer.write_table
            return
        with _open(temporary, gzipped=gzipped) as file:
            if suffix in DELIMITERS:
                yield _delimited(file, schema, DELIMITERS[suffix])
            else:
                yield lambda table: _json_lines(file, table, nulls=nulls)


@contextmanager
def _open(path: Path, *, gzipped: bool) -> Iterator[BinaryIO]:
    with path.open("xb") as raw:
        if not gzipped:
            yield raw
            return
        # No name and no time inside: the same rows give the same bytes.
        with gzip.GzipFile("", "wb", compresslevel=6, fileobj=raw, mtime=0) as packed:
            yield cast(BinaryIO, packed)


def _delimited(file: BinaryIO, schema: pa.Schema, delimiter: str) -> Sink:
    names = schema.names
    file.write((delimiter.join(names) + "\n").encode())

    def write(table: pa.Table) -> None:
        plain = pa.table([_as_text(column) for column in table.columns], names=names)
        # pyarrow quotes every text or none; quotes only where they are needed read back faster.
        quoted = any(_needs_quotes(column, delimiter) for column in plain.columns)
        options = pa_csv.WriteOptions(
            include_header=False,
            delimiter=delimiter,
            quoting_style="needed" if quoted else "none",
        )
        pa_csv.write_csv(plain, file, options)

    return write


def _as_text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    if pa.types.is_list(column.type):
        return pa.chunked_array([[json.dumps(v) for v in column.to_pylist()]], pa.large_string())
    return pc.cast(column, pa.large_string())


def _needs_quotes(column: pa.ChunkedArray, delimiter: str) -> bool:
    found = pc.match_substring_regex(column, f'["\r\n{delimiter}]')
    return bool(pc.any(found).as_py())


def _json_lines(file: BinaryIO, table: pa.Table, *, nulls: bool) -> None:
    for row in table.to_pylist():
        kept = {name: value for name, value in row.items() if nulls or value is not None}
        file.write((json.dumps(kept, ensure_ascii=False) + "\n").encode())
