"""CSV and TSV as chunks.

A block without quotes is parsed by pyarrow, one with quotes by the csv module in one sweep. A
block with anything out of the ordinary, a record of two lines or a row at fault, is read record
by record: `data.readers.records` is the arbiter, and the other two only agree with it faster.
"""

from __future__ import annotations

import codecs
import csv
from collections.abc import Iterator, Sequence
from typing import BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv

from data.errors import DataError
from data.readers.blocks import Block, LongLine, blocks
from data.readers.chunk import Chunk, text_array
from data.readers.formats import FileKind
from data.readers.records import MAX_FIELD, NOT_UTF8, RecordReader, explain, split_lines


def read_delimited(
    stream: BinaryIO, kind: FileKind, *, file: str, delimiter: str
) -> Iterator[Chunk]:
    """Read the rows of a CSV or TSV stream.

    Parameters
    ----------
    stream : binary file
    kind : FileKind
        The columns to look for.
    file : str
        Name for messages.
    delimiter : str

    Yields
    ------
    Chunk

    Raises
    ------
    DataError
        If the stream is empty or its header cannot be used.
    """
    items = blocks(stream)
    first = next(items, None)
    if first is None or (isinstance(first, Block) and not first.data.strip()):
        raise DataError(f"{file} is empty. Its first line must name the columns.")
    header, used = _header(first, file, delimiter=delimiter)
    wanted = kind.present(header, file)
    assert isinstance(first, Block)
    careful = RecordReader(items, header, wanted=wanted, delimiter=delimiter)
    item: Block | LongLine | None = first.after(used)
    while item is not None:
        chunk = _sweep(item, header, wanted=wanted, delimiter=delimiter)
        yield careful.chunk(item) if chunk is None else chunk
        item = next(items, None)


def _header(first: Block | LongLine, file: str, *, delimiter: str) -> tuple[list[str], int]:
    """Return the names of the columns and how many lines they take."""
    if isinstance(first, LongLine):
        raise DataError(f"{file}, line 1: {first.reason} Does the file end its lines in CR only?")
    lines = (first.raw(i).decode("utf-8") for i in range(len(first)))
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    try:
        names = next(row for row in reader if row)
    except UnicodeDecodeError:
        raise DataError(f"{file}, line 1: {NOT_UTF8}") from None
    except csv.Error as error:
        raise DataError(f"{file}, line 1: {explain(error)}") from None
    return [name.strip() for name in names], reader.line_num


def _sweep(
    item: Block | LongLine, header: Sequence[str], *, wanted: list[str], delimiter: str
) -> Chunk | None:
    """Parse a block at once, or return None if it must be read record by record."""
    if isinstance(item, LongLine) or not item.data:
        return None
    parse = _unquoted if _plain(item) else _quoted
    columns = parse(item, header, wanted=wanted, delimiter=delimiter)
    if columns is None:
        return None
    return Chunk(columns, item.line + np.arange(len(item), dtype=np.int64), item.text)


def _unquoted(
    block: Block, header: Sequence[str], *, wanted: list[str], delimiter: str
) -> dict[str, pa.Array] | None:
    names = [name if name in wanted else f"\0{i}" for i, name in enumerate(header)]
    try:
        table = pa_csv.read_csv(
            pa.BufferReader(block.data),
            read_options=pa_csv.ReadOptions(
                column_names=names, block_size=len(block.data), use_threads=False
            ),
            parse_options=pa_csv.ParseOptions(delimiter=delimiter, quote_char=False),
            convert_options=pa_csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.large_string()),
                strings_can_be_null=False,
                include_columns=wanted,
            ),
        )
    except pa.ArrowInvalid:
        return None
    if table.num_rows != len(block):  # a blank line would shift the line numbers
        return None
    return {name: table.column(name).combine_chunks() for name in wanted}


def _quoted(
    block: Block, header: Sequence[str], *, wanted: list[str], delimiter: str
) -> dict[str, pa.Array] | None:
    try:
        lines = split_lines(block.data.decode("utf-8"))
        rows = list(csv.reader(lines, delimiter=delimiter, strict=True))
    except (UnicodeDecodeError, csv.Error):
        return None
    # As many rows as lines, and none of them blank: then each line is one record.
    if len(rows) != len(block) or set(map(len, rows)) != {len(header)}:
        return None
    places = {name: header.index(name) for name in wanted}
    return {name: text_array([row[i] for row in rows]) for name, i in places.items()}


def _plain(block: Block) -> bool:
    """Whether pyarrow and the csv module are certain to agree on where fields begin and end."""
    data = block.data
    return (
        b'"' not in data
        and block.longest <= MAX_FIELD
        and (b"\r" not in data or data.count(b"\r") == data.count(b"\r\n"))
        and not data.startswith(codecs.BOM_UTF8)  # pyarrow would drop it in mid-file too
    )
