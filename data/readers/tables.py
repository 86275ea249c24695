"""From a path to chunks, and from faults to rows set aside: what all readers share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from data.readers.chunk import Chunk, Problem
from data.readers.columns import Faults
from data.readers.delimited import read_delimited
from data.readers.formats import DELIMITERS, FileKind, format_of, open_binary, readable
from data.readers.jsonlines import read_json_lines
from data.readers.parquet import read_parquet
from data.readers.rejects import RejectSink, report


class Source:
    """One file being read.

    Parameters
    ----------
    path : Path
    kind : FileKind
    rejects : RejectSink, optional
        Where bad rows go; without one the first raises.

    Raises
    ------
    DataError
        If the suffix is unknown, or there is no such file.
    """

    def __init__(self, path: Path, kind: FileKind, *, rejects: RejectSink | None) -> None:
        self.path = Path(path)
        self.kind = kind
        self._rejects = rejects
        self._suffix, self._gzipped = format_of(self.path, kind.name)
        with readable(self.path):
            self.path.stat()

    @property
    def unit(self) -> str:
        """What rows are counted in: lines, or the rows of a Parquet file."""
        return "row" if self._suffix == ".parquet" else "line"

    def chunks(self) -> Iterator[Chunk]:
        """Read the file: at least one chunk, each of at most `MAX_ROWS` rows."""
        with readable(self.path):
            for chunk in self._read():
                yield from chunk.pieces()

    def whole_chunks(self) -> Iterator[Chunk]:
        """Read the file: at least one chunk, each as large as its format delivers it.

        Of Parquet, several threads read parts of it ahead, each part with up to a million rows.
        """
        with readable(self.path):
            yield from self._read(ahead=True)

    def _read(self, *, ahead: bool = False) -> Iterator[Chunk]:
        if self._suffix == ".parquet":
            yield from read_parquet(self.path, self.kind, threads=ahead)
            return
        with open_binary(self.path, gzipped=self._gzipped) as stream:
            name = self.path.name
            if self._suffix in DELIMITERS:
                mark = DELIMITERS[self._suffix]
                yield from read_delimited(stream, self.kind, file=name, delimiter=mark)
            else:
                yield from read_json_lines(stream, self.kind, file=name)

    def settle(self, chunk: Chunk, faults: Faults) -> npt.NDArray[np.int64] | None:
        """Report all bad rows of a chunk in order, and return the positions of the good ones.

        Returns
        -------
        ndarray of int64, or None
            None if every row is good.

        Raises
        ------
        DataError
            For the first bad row, if there is no sink for it.
        """
        found = [
            Problem(int(chunk.numbers[i]), reason, chunk.row(i))
            for i, reason in faults.reasons.items()
        ]
        for problem in sorted([*chunk.problems, *found], key=lambda p: p.number):
            report(self.path.name, self.unit, problem=problem, rejects=self._rejects)
        return np.flatnonzero(~faults.bad) if found else None


def duplicates(array: pa.Array, seen: set[str], faults: Faults) -> None:
    """Mark the ids that occurred before, in `seen` or in the array, and add the others to it."""
    values = array.to_pylist()
    new = set(values)
    if len(new) == len(values) and seen.isdisjoint(new) and not faults.bad.any():
        seen |= new
        return
    twice = np.zeros(len(values), dtype=np.bool_)
    for position, value in enumerate(values):
        twice[position] = value in seen
        if not faults.bad[position]:
            seen.add(value)
    faults.mark(twice, lambda i: f"the id {values[i]!r:.80} occurs a second time in this file.")
