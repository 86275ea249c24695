"""Parquet as chunks."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from data.readers.ahead import ahead
from data.readers.chunk import MAX_ROWS, Chunk, Problem
from data.readers.conversion import convert, convert_repeated, is_text
from data.readers.formats import FileKind

_LIST_ROWS = 16_384  # vectors are wide: fewer rows at a time
_REPEATED_ROWS = 1 << 20  # each batch has its own dictionaries: fewer batches
_MAX_HELD = 2 * _REPEATED_ROWS  # rows of a row group that a thread reads at once
_Mask = npt.NDArray[np.bool_]


def read_parquet(path: Path, kind: FileKind, *, threads: bool = False) -> Iterator[Chunk]:
    """Read the rows of a Parquet file, or nothing but an empty chunk if it has none.

    Whole numbers in a column of text become their decimal strings, timestamps Unix seconds (one
    without a time zone is UTC) or, in a column of text, ISO dates. A list of texts (genres) is
    joined by `|`. Of a column of repeated values, each is checked and converted once.

    Parameters
    ----------
    path : Path
    kind : FileKind
    threads : bool
        Whether threads read row groups ahead, where none of them is too large to be held.

    Yields
    ------
    Chunk

    Raises
    ------
    DataError
        If a required column is missing.
    """
    with pq.ParquetFile(path) as file:
        wanted = kind.present(file.schema_arrow.names, path.name)
        metadata, schema = file.metadata, file.schema_arrow
    texts = [n for n in wanted if n in kind.repeated and is_text(schema.field(n).type)]
    packed = [name for name in texts if _is_packed(metadata, name)]
    rows = _Rows(path, kind, metadata, wanted, packed)
    sizes = [metadata.row_group(i).num_rows for i in range(metadata.num_row_groups)]
    if not sum(sizes):
        yield _chunk(schema.empty_table().select(wanted), kind, start=0)
    elif threads and len(sizes) > 1 and max(sizes) <= _MAX_HELD:
        starts = np.cumsum([0, *sizes]).tolist()
        for chunks in ahead(lambda i: list(rows.chunks([i], start=starts[i])), range(len(sizes))):
            yield from chunks
    else:
        yield from rows.chunks(list(range(len(sizes))), start=0)


@dataclass(frozen=True, eq=False)
class _Rows:
    """The rows of a file, and how they are read."""

    path: Path
    kind: FileKind
    metadata: pq.FileMetaData
    wanted: list[str]
    packed: list[str]

    def chunks(self, groups: list[int], *, start: int) -> Iterator[Chunk]:
        """Read row groups, before which there are `start` rows; may run in several threads."""
        size = _LIST_ROWS if self.kind.lists else _REPEATED_ROWS if self.kind.repeated else MAX_ROWS
        with pq.ParquetFile(self.path, metadata=self.metadata, read_dictionary=self.packed) as file:
            for batch in file.iter_batches(size, row_groups=groups, columns=self.wanted):
                yield _chunk(batch, self.kind, start=start)
                start += batch.num_rows


def _is_packed(metadata: pq.FileMetaData, name: str) -> bool:
    """Whether a column of text is stored as indices into dictionaries, by and large.

    Writers give up on a dictionary that grows large; then it is faster to read plain text and
    encode it. Text takes four bytes a value for its length alone, an index less.
    """
    values = size = 0
    for group in map(metadata.row_group, range(metadata.num_row_groups)):
        for column in map(group.column, range(group.num_columns)):
            if column.path_in_schema == name:
                values += column.num_values
                size += column.total_uncompressed_size
    return size < 4 * values


def _chunk(batch: pa.RecordBatch | pa.Table, kind: FileKind, *, start: int) -> Chunk:
    bad: dict[int, str] = {}
    columns = {}
    for name in batch.schema.names:
        array = batch.column(name)
        if isinstance(array, pa.ChunkedArray):
            array = array.combine_chunks()
        if name in kind.repeated:
            columns[name], wrong = convert_repeated(array)
        else:
            columns[name], wrong = convert(array, kind, name=name)
        for i in np.flatnonzero(wrong).tolist():
            bad.setdefault(i, _reason(array[i], kind, name=name))
    numbers = start + 1 + np.arange(batch.num_rows, dtype=np.int64)
    row = partial(_row, batch)
    if not bad:
        return Chunk(columns, numbers, row)
    keep = np.setdiff1d(np.arange(batch.num_rows), list(bad))
    return Chunk(
        {name: array.take(pa.array(keep)) for name, array in columns.items()},
        numbers[keep],
        lambda position: row(int(keep[position])),
        tuple(Problem(int(numbers[i]), reason, row(i)) for i, reason in bad.items()),
    )


def _reason(value: pa.Scalar, kind: FileKind, *, name: str) -> str:
    if isinstance(value, pa.DictionaryScalar):
        value = value.value
    if name in kind.lists:
        need = "a list of numbers"
    elif is_text(value.type):
        return f"`{name}` is not valid UTF-8."
    else:
        need = "a number or text" if name in kind.numbers else "text or a whole number"
    return f"`{name}` must be {need}. Received: {value.as_py()!r:.80}, of type {value.type}."


def _row(batch: pa.RecordBatch | pa.Table, position: int) -> str:
    """Return a row as JSON."""
    values = {}
    for name in batch.schema.names:
        try:
            values[name] = batch.column(name)[position].as_py()
        except (UnicodeDecodeError, pa.ArrowInvalid):
            values[name] = "(not valid UTF-8)"
    return json.dumps(values, ensure_ascii=False, default=str)
