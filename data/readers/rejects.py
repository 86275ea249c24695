"""Where bad rows go: an error, or a file of rejected rows."""

from __future__ import annotations

import csv
import json
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self, TextIO

from data.errors import ParameterError, RowError
from data.files import publish, temporary_path, writing
from data.readers.chunk import Problem
from data.readers.formats import JSON_LINES

FIELDS = ("file", "line", "reason", "row")
_MAX_ROW = 100_000  # characters of a row that are kept; csv modules refuse much longer fields


class RejectSink:
    """Collects bad rows, so that reading goes on without them.

    Use it as a context manager. The file appears when the block ends without an error, whole,
    and only if a row was rejected.

    Parameters
    ----------
    path : Path
        CSV with the columns file, line, reason and row: `.csv` or no suffix; or JSON lines:
        `.jsonl` or `.ndjson`. For Parquet `line` is the row number. Bytes that are not UTF-8 are
        escaped, and a row is cut after 100,000 characters.

    Attributes
    ----------
    count : int
        How many rows were rejected so far.

    Raises
    ------
    ParameterError
        If the suffix is none of these.
    """

    def __init__(self, path: Path) -> None:
        self.path = Path(path)
        suffix = self.path.suffix.lower()
        if suffix not in ("", ".csv", *JSON_LINES):
            raise ParameterError(
                "The name of a file of rejected rows must end in one of .csv, .jsonl, .ndjson. "
                f"Received: {self.path.name}."
            )
        self._json = suffix in JSON_LINES
        self.count = 0
        self._temporary = temporary_path(self.path)
        self._file: TextIO | None = None

    def add(self, file: str, line: int, *, reason: str, row: str) -> None:
        """Set one row aside; DataError if the file cannot be written."""
        with writing(self.path):
            if self._file is None:
                self._file = self._opened()
            values = (file, line, reason, row[:_MAX_ROW])
            if self._json:
                record = dict(zip(FIELDS, values, strict=True))
                self._file.write(json.dumps(record, ensure_ascii=False) + "\n")
            else:
                csv.writer(self._file, lineterminator="\n").writerow(values)
        self.count += 1

    def _opened(self) -> TextIO:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        file = self._temporary.open("x", encoding="utf-8", errors="backslashreplace", newline="")
        if not self._json:
            csv.writer(file, lineterminator="\n").writerow(FIELDS)
        return file

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._file is None:
            return
        file, self._file = self._file, None
        try:
            with writing(self.path) if kind is None else suppress(OSError):
                file.close()
                if kind is None:
                    publish(self._temporary, self.path)
        finally:
            self._temporary.unlink(missing_ok=True)


def report(file: str, unit: str, *, problem: Problem, rejects: RejectSink | None) -> None:
    """Set a bad row aside, or raise a `RowError` if there is nowhere to put it."""
    if rejects is None:
        raise RowError(f"{file}, {unit} {problem.number}: {problem.reason} Correct the row.")
    rejects.add(file, problem.number, reason=problem.reason, row=problem.row)
