"""A piece of a table, as every format delivers it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt
import pyarrow as pa

MAX_ROWS = 200_000
"""Rows of one frame at most."""


@dataclass(frozen=True)
class Problem:
    """A row that cannot be used: its line or row number, what is wrong, and the row as found."""

    number: int
    reason: str
    row: str


@dataclass(frozen=True)
class Chunk:
    """Rows of a file, every value still as it was found.

    Attributes
    ----------
    columns : dict of str to pyarrow.Array
        `large_string` arrays of shape (n,), missing values null or empty; a column of lists is
        a `large_list<double>` array. Of Parquet, a column of numbers may be one of integers or
        `double`, and one whose values repeat a dictionary (`data.encoding.IDS`).
    numbers : ndarray of int64, shape (n,)
        Line (text) or row (Parquet) of each, from 1, ascending.
    row : callable
        Gives the row at a position as it stands in the file.
    problems : tuple of Problem
        Rows that are not even in `columns`.
    """

    columns: dict[str, pa.Array]
    numbers: npt.NDArray[np.int64]
    row: Callable[[int], str]
    problems: tuple[Problem, ...] = ()

    def __len__(self) -> int:
        return int(self.numbers.size)

    def pieces(self) -> Iterator[Chunk]:
        """Cut into chunks of at most `MAX_ROWS` rows; each problem goes with the row before it."""
        starts = range(0, max(len(self), 1), MAX_ROWS)
        for start in starts:
            stop = start + MAX_ROWS
            first = self.numbers[start] if start else 0
            last = self.numbers[stop] if stop < len(self) else np.inf
            yield Chunk(
                {name: array.slice(start, MAX_ROWS) for name, array in self.columns.items()},
                self.numbers[start:stop],
                partial(self._row_from, start),
                tuple(p for p in self.problems if first <= p.number < last),
            )

    def _row_from(self, start: int, position: int) -> str:
        return self.row(start + position)


def text_array(values: list[str | None] | list[str]) -> pa.Array:
    """Return texts as a `large_string` array; UnicodeEncodeError if one is not valid Unicode."""
    return pa.array(values, type=pa.large_string())


def is_unicode(text: str) -> bool:
    """Whether a text can be written as UTF-8: one with half a surrogate pair cannot."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
