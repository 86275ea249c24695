"""JSON lines as chunks: one object a line."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from data.errors import DataError
from data.readers.blocks import Block, LongLine, blocks
from data.readers.chunk import Chunk, Problem, is_unicode, text_array
from data.readers.formats import FileKind, note_extra

_decode = json.JSONDecoder().raw_decode
_Row = dict[str, Any]


def read_json_lines(stream: BinaryIO, kind: FileKind, *, file: str) -> Iterator[Chunk]:
    """Read the rows of a stream of JSON lines.

    A whole number in a column of text becomes its decimal string, and a list of texts (genres)
    is joined by `|`. A key that is null is a missing value, and so is one that is absent, except
    where rows may be partial: there it says nothing, and rows of other keys are another chunk.

    Yields
    ------
    Chunk

    Raises
    ------
    DataError
        If the stream is empty.
    """
    unknown: set[str] = set()
    empty = True
    for item in blocks(stream):
        empty = False
        if isinstance(item, LongLine):
            problem = Problem(item.line, item.reason, item.text)
            yield _Rows(kind).chunk((problem,))
        else:
            rows = _Rows(kind)
            problems = rows.parse(item)
            unknown |= rows.keys.difference(kind.required, kind.optional)
            for part in rows.parts():
                yield part.chunk(problems)
                problems = ()
    if empty:
        raise DataError(f"{file} is empty. Each line must hold one JSON object.")
    note_extra(file, sorted(unknown))


class _Rows:
    """The objects of one block, and the lines they stand on."""

    def __init__(self, kind: FileKind) -> None:
        self._kind = kind
        self._rows: list[_Row] = []
        self._numbers: list[int] = []
        self._lines: list[str] = []
        self.keys: set[str] = set()

    def parse(self, block: Block) -> tuple[Problem, ...]:
        """Take the lines of a block; blank ones are passed over."""
        problems = []
        lines = block.data.decode("utf-8", "surrogateescape").split("\n")
        for number, whole in enumerate(lines, block.line):
            line = whole.strip()
            if not line:
                continue
            row, reason = self._row(line)
            if reason is None:
                self._rows.append(row)
                self._numbers.append(number)
                self._lines.append(line)
            else:
                problems.append(Problem(number, reason, line))
        self.keys = set().union(*self._rows)
        return tuple(problems)

    def parts(self) -> Iterator[_Rows]:
        """Yield the rows by which of our keys they hold, if they may be partial; else all."""
        if not self._kind.partial or len(self._rows) == 0:
            yield self
            return
        parts: dict[frozenset[str], _Rows] = {}
        for row, number, line in zip(self._rows, self._numbers, self._lines, strict=True):
            keys = frozenset(row).intersection(self._kind.optional)
            part = parts.setdefault(keys, _Rows(self._kind))
            part.keys = set(keys)
            part._rows.append(row)
            part._numbers.append(number)
            part._lines.append(line)
        yield from parts.values()

    def _row(self, line: str) -> tuple[_Row, str | None]:
        try:
            row, end = _decode(line)
        except (ValueError, RecursionError) as error:
            return {}, f"the line is not valid JSON: {error!s:.100}."
        if not isinstance(row, dict) or end != len(line):
            return {}, "the line is not one JSON object."
        if not line.isascii() and not is_unicode(line):
            return {}, "the row is not valid UTF-8. Save the file as UTF-8."
        for name in self._kind.required:
            if name not in row:
                found = ", ".join(row) or "none"
                return {}, f"`{name}` is missing. Keys found: {found:.200}."
        return row, None

    def chunk(self, problems: tuple[Problem, ...]) -> Chunk:
        """Return the columns, without the rows that hold a value of the wrong type."""
        optional = [name for name in self._kind.optional if name in self.keys]
        bad: dict[int, str] = {}
        columns = {}
        for name in (*self._kind.required, *optional):
            values = [row.get(name) for row in self._rows]
            columns[name] = self._column(name, values, bad=bad)
        found = tuple(Problem(self._numbers[i], why, self._lines[i]) for i, why in bad.items())
        numbers = np.array(self._numbers, dtype=np.int64)
        if not bad:
            return Chunk(columns, numbers, self._lines.__getitem__, problems)
        keep = np.setdiff1d(np.arange(len(self._rows)), list(bad))
        columns = {name: array.take(pa.array(keep)) for name, array in columns.items()}
        return Chunk(columns, numbers[keep], lambda i: self._lines[keep[i]], problems + found)

    def _column(self, name: str, values: list[Any], *, bad: dict[int, str]) -> pa.Array:
        """Return a column as text or lists, noting the rows where that cannot be."""
        types = set(map(type, values))
        convert: Callable[[Any], Any] = number_list
        if name not in self._kind.lists:
            convert = _number if name in self._kind.numbers else _text
            if types <= {str, type(None)} and is_unicode("".join(v for v in values if v)):
                return text_array(values)
        if types <= {int, float, type(None)} and convert is _number:
            with suppress(pa.ArrowInvalid, OverflowError):  # a whole number too large for a double
                return pc.cast(pa.array(values, type=pa.float64()), pa.large_string())
        for position, value in enumerate(values):
            try:
                values[position] = convert(value)
            except ValueError as error:
                values[position] = None
                received = json.dumps(value)
                bad.setdefault(position, f"`{name}` {error}. Received: {received:.80}.")
        if name in self._kind.lists:
            return pa.array(values, type=pa.large_list(pa.float64()))
        return text_array(values)


def _text(value: Any) -> str | None:
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, list) and all(isinstance(part, str) for part in value):
        value = "|".join(value)
    if value is not None and not isinstance(value, str):
        raise ValueError("must be text or a whole number")
    if value and not is_unicode(value):
        raise ValueError("is not valid Unicode")
    return value


def _number(value: Any) -> str | None:
    if isinstance(value, list):
        raise ValueError("must be one value")  # noqa: TRY004 - one kind of error for the caller
    return repr(value) if isinstance(value, float) else _text(value)


def number_list(value: Any) -> list[float]:
    """Return a JSON list of numbers as floats; ValueError, with a clause, if it is none."""
    if isinstance(value, list) and all(type(part) in (int, float) for part in value):
        try:
            return [float(part) for part in value]
        except OverflowError:
            raise ValueError("holds a number that is too large") from None
    raise ValueError("must be a list of numbers")
