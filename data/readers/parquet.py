"""Parquet as chunks."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from data.readers.chunk import MAX_ROWS, Chunk, Problem
from data.readers.formats import FileKind

_LIST_ROWS = 16_384  # vectors are wide: fewer rows at a time
_Mask = npt.NDArray[np.bool_]


def read_parquet(path: Path, kind: FileKind) -> Iterator[Chunk]:
    """Read the rows of a Parquet file, or nothing but an empty chunk if it has none.

    Whole numbers in a column of text become their decimal strings, timestamps Unix seconds (one
    without a time zone is UTC) or, in a column of text, ISO dates. A list of texts (genres) is
    joined by `|`.

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
        size = _LIST_ROWS if kind.lists else MAX_ROWS
        done = 0
        for batch in file.iter_batches(batch_size=size, columns=wanted):
            yield _chunk(batch, kind, start=done)
            done += batch.num_rows
        if not done:
            yield _chunk(file.schema_arrow.empty_table().select(wanted), kind, start=0)


def _chunk(batch: pa.RecordBatch | pa.Table, kind: FileKind, *, start: int) -> Chunk:
    bad: dict[int, str] = {}
    columns = {}
    for name in batch.schema.names:
        array = batch.column(name)
        if isinstance(array, pa.ChunkedArray):
            array = array.combine_chunks()
        if pa.types.is_dictionary(array.type):
            array = array.dictionary_decode()
        columns[name], wrong = _convert(array, kind, name=name)
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


def _convert(array: pa.Array, kind: FileKind, *, name: str) -> tuple[pa.Array, _Mask]:
    """Return a column as text (or lists), null where that cannot be, and where it cannot be."""
    if name in kind.lists:
        result = _lists(array)
    elif name in kind.numbers:
        result = _numbers(array)
    else:
        result = _texts(array)
    # What was there and is null now could not be converted.
    lost = pc.and_(array.is_valid(), result.is_null())
    return result, np.asarray(lost.to_numpy(zero_copy_only=False), dtype=np.bool_)


def _texts(array: pa.Array) -> pa.Array:
    kind = array.type
    if pa.types.is_date(kind) or pa.types.is_timestamp(kind):
        return pc.cast(pc.cast(array, pa.date32(), safe=False), pa.large_string())
    if pa.types.is_integer(kind):
        return pc.cast(array, pa.large_string())
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        if _is_text(kind.value_type):
            return pc.cast(pc.binary_join(array, "|"), pa.large_string())
    elif _is_text(kind):
        return _valid_text(array)
    return pa.nulls(len(array), pa.large_string())


def _is_text(kind: pa.DataType) -> bool:
    """Whether values are text, or bytes, as which some writers leave text."""
    names = ("string", "large_string", "string_view", "binary", "large_binary")
    return str(kind) in names


def _valid_text(array: pa.Array) -> pa.Array:
    """Return text with nulls where it is not UTF-8, which Arrow does not check when reading."""
    try:
        text = pc.cast(array, pa.large_string())
        text.validate(full=True)
    except pa.ArrowInvalid:
        raw = pc.cast(array, pa.large_binary()).to_pylist()
        return pa.array([_decoded(value) for value in raw], type=pa.large_string())
    return text


def _decoded(value: bytes | None) -> str | None:
    try:
        return None if value is None else value.decode("utf-8")
    except UnicodeDecodeError:
        return None


def _numbers(array: pa.Array) -> pa.Array:
    kind = array.type
    if pa.types.is_date(kind):
        array, kind = pc.cast(array, pa.timestamp("s")), pa.timestamp("s")
    if pa.types.is_timestamp(kind):
        units = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[kind.unit]
        ticks = pc.fill_null(pc.cast(array, pa.int64()), 0).to_numpy(zero_copy_only=False)
        absent = array.is_null().to_numpy(zero_copy_only=False)
        return pc.cast(pa.array(ticks // units, mask=absent), pa.large_string())
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return pc.cast(pc.cast(array, pa.float64()), pa.large_string())
    return _texts(array)


def _lists(array: pa.Array) -> pa.Array:
    kind = array.type
    wanted = pa.large_list(pa.float64())
    nested = (pa.types.is_list, pa.types.is_large_list, pa.types.is_fixed_size_list)
    if any(test(kind) for test in nested):
        value = kind.value_type
        if pa.types.is_floating(value) or pa.types.is_integer(value):
            return pc.cast(array, wanted, safe=False)
    return pa.nulls(len(array), wanted)


def _reason(value: pa.Scalar, kind: FileKind, *, name: str) -> str:
    if name in kind.lists:
        need = "a list of numbers"
    elif _is_text(value.type):
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
        except UnicodeDecodeError:
            values[name] = "(not valid UTF-8)"
    return json.dumps(values, ensure_ascii=False, default=str)
