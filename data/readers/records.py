"""CSV records one at a time: slow, and right about quotes, line numbers and faults."""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterator, Sequence
from io import StringIO

import numpy as np

from data.readers.blocks import MAX_LINE, Block, LongLine
from data.readers.chunk import Chunk, Problem, is_unicode, text_array

MAX_FIELD = 131_072
"""Longest field in characters: the limit of the csv module."""

_RETURN = "a carriage return stands in an unquoted field. End lines in LF or CRLF."
_QUOTES = (
    'a quote does not close where the field ends (write "a ""b"" c"), '
    f"or a field has more than {MAX_FIELD} characters."
)
NOT_UTF8 = "the row is not valid UTF-8. Save the file as UTF-8."


class _Broken(Exception):  # noqa: N818 - a signal through the csv module, not an error
    """The record cannot go on."""


class RecordReader:
    """Reads block after block with the csv module, one record at a time.

    Parameters
    ----------
    items : iterator of Block or LongLine
        Where the lines come from that a record takes beyond its block.
    header : sequence of str
        Names of all columns.
    wanted : list of str
        Those to keep.
    delimiter : str
    """

    def __init__(
        self,
        items: Iterator[Block | LongLine],
        header: Sequence[str],
        *,
        wanted: list[str],
        delimiter: str,
    ) -> None:
        self._items = items
        self._width = len(header)
        self._places = {name: header.index(name) for name in wanted}
        self._reader = csv.reader(self, delimiter=delimiter, strict=True)
        self._queue: deque[tuple[int, str] | LongLine] = deque()
        self._taken: list[tuple[int, str]] = []  # the lines of the record that is being read
        self._size = 0
        self._problems: list[Problem] = []

    def chunk(self, item: Block | LongLine) -> Chunk:
        """Read the records that begin in a block; the last may take lines from the next ones."""
        self._load(item)
        self._problems = []
        records: list[list[str]] = []
        numbers: list[int] = []
        rows: list[list[tuple[int, str]]] = []
        while self._queue:
            fields = self._record()
            if fields:
                records.append(fields)
                numbers.append(self._taken[0][0])
                rows.append(self._taken)
        columns = {n: text_array([r[i] for r in records]) for n, i in self._places.items()}
        return Chunk(
            columns,
            np.array(numbers, dtype=np.int64),
            lambda position: _joined(rows[position]),
            tuple(self._problems),
        )

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        """Give the csv module its next line."""
        while not self._queue:
            self._load(next(self._items))
        if isinstance(self._queue[0], LongLine) or self._size > MAX_LINE:
            raise _Broken
        line = self._queue.popleft()
        assert not isinstance(line, LongLine)
        self._taken.append(line)
        self._size += len(line[1])
        return line[1]

    def _load(self, item: Block | LongLine) -> None:
        if isinstance(item, LongLine):
            self._queue.append(item)
            return
        text = item.data.decode("utf-8", "surrogateescape")
        self._queue.extend(enumerate(split_lines(text), item.line))

    def _record(self) -> list[str] | None:
        """Read one record; None for a blank line and for a record that is at fault."""
        first = self._queue[0]
        if isinstance(first, LongLine):
            self._queue.popleft()
            self._problems.append(Problem(first.line, first.reason, first.text))
            return None
        self._taken, self._size = [], 0
        try:
            fields = next(self._reader)
        except (csv.Error, _Broken) as error:
            self._restart(explain(error))
            return None
        reason = self._fault(fields) if fields else None
        if reason is not None:
            self._problems.append(Problem(first[0], reason, _joined(self._taken)))
            return None
        return fields

    def _fault(self, fields: list[str]) -> str | None:
        if len(fields) != self._width:
            return f"the row has {len(fields)} fields; the header has {self._width}."
        for _, line in self._taken:
            if not line.isascii() and not is_unicode(line):
                return NOT_UTF8
        return None

    def _restart(self, reason: str) -> None:
        """Give up the first line of a broken record, and read the others afresh.

        A record that outgrew `MAX_LINE` is given up whole: to read its lines again and again
        would take time quadratic in the size of the file.
        """
        lost = len(self._taken) if self._size > MAX_LINE else 1
        again, self._taken = self._taken[lost:], self._taken[:lost]
        self._problems.append(Problem(self._taken[0][0], reason, _joined(self._taken)))
        self._queue.extendleft(reversed(again))


def _joined(lines: list[tuple[int, str]]) -> str:
    return "".join(line for _, line in lines).rstrip("\r\n")


def split_lines(text: str) -> Iterator[str]:
    """Cut a text behind each line feed, and nowhere else."""
    return iter(StringIO(text, newline="\n"))


def explain(error: Exception) -> str:
    """Say in our words why the csv module gave up."""
    return _RETURN if "new-line" in str(error) else _QUOTES
