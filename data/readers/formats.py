"""Which columns each kind of file has, and which format a suffix stands for."""

from __future__ import annotations

import gzip
import logging
import zlib
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

import pyarrow as pa

from data.catalog import TRACK_COLUMNS
from data.errors import DataError

_log = logging.getLogger("segue.data")

DELIMITERS = {".csv": ",", ".tsv": "\t"}
JSON_LINES = (".jsonl", ".ndjson")
SUFFIXES = (*DELIMITERS, *JSON_LINES, ".parquet")


@dataclass(frozen=True)
class FileKind:
    """The columns of one kind of file.

    Attributes
    ----------
    name : str
        As in `segue import NAME`.
    required, optional : tuple of str
        Columns; any others are ignored.
    numbers : frozenset of str
        Columns in which a number is welcome; elsewhere only text and whole numbers are.
    lists : frozenset of str
        Columns that hold a list of numbers.
    repeated : frozenset of str
        Columns of text in which few values fill many rows.
    partial : bool
        Whether a row may leave things out, which then stay as they are.
    """

    name: str
    required: tuple[str, ...]
    optional: tuple[str, ...] = ()
    numbers: frozenset[str] = frozenset()
    lists: frozenset[str] = frozenset()
    repeated: frozenset[str] = frozenset()
    partial: bool = False

    def present(self, found: Collection[str], file: str) -> list[str]:
        """Return the columns to read of those found.

        Raises
        ------
        DataError
            If a required column is missing, or one of ours occurs twice.
        """
        names = list(found)
        missing = [f"`{name}`" for name in self.required if name not in names]
        listed = ", ".join(names) or "none"
        if missing:
            lacks = f"column{'s' if len(missing) > 1 else ''} {' and '.join(missing)}"
            raise DataError(f"{file} lacks the {lacks}. Columns found: {listed:.500}.")
        wanted = [name for name in (*self.required, *self.optional) if name in names]
        twice = next((name for name in wanted if names.count(name) > 1), None)
        if twice:
            raise DataError(f"{file} has the column `{twice}` twice. Columns found: {listed:.500}.")
        note_extra(file, [name for name in names if name not in wanted])
        return wanted


TRACKS = FileKind("tracks", ("track_id",), TRACK_COLUMNS, partial=True)
LISTENS = FileKind(
    "listens",
    ("user_id", "track_id"),
    ("count", "listened_at", "event", "played_ms", "event_id"),
    numbers=frozenset({"count", "listened_at", "played_ms"}),
    repeated=frozenset({"user_id", "track_id", "event"}),
)
EMBEDDINGS = FileKind("embeddings", ("track_id", "embedding"), lists=frozenset({"embedding"}))


def note_extra(file: str, names: list[str]) -> None:
    """Log the columns that are ignored."""
    if names:
        _log.info("%s: columns ignored: %s", file, ", ".join(names))


def format_of(path: Path, kind: str) -> tuple[str, bool]:
    """Return the suffix that names the format, and whether the file is gzipped text.

    Raises
    ------
    DataError
        If the suffix is not one of `SUFFIXES`, or a Parquet file claims to be gzipped.
    """
    suffixes = [suffix.lower() for suffix in path.suffixes]
    gzipped = suffixes[-1:] == [".gz"]
    suffix = (suffixes[:-1] if gzipped else suffixes)[-1:] or [""]
    if suffix[0] not in SUFFIXES or (gzipped and suffix[0] == ".parquet"):
        known = ", ".join(SUFFIXES)
        raise DataError(
            f"The name of a {kind} file must end in one of {known} "
            f"(text also with .gz behind it). Received: {path.name}."
        )
    return suffix[0], gzipped


def open_binary(path: Path, *, gzipped: bool) -> BinaryIO:
    """Open a file for reading, unpacked."""
    return cast(BinaryIO, gzip.open(path, "rb")) if gzipped else path.open("rb")


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Turn the errors of reading into a `DataError` that names the file."""
    try:
        yield
    except FileNotFoundError:
        raise DataError(f"There is no file {path}.") from None
    except (OSError, EOFError, zlib.error, pa.ArrowException) as error:
        detail = next(iter(str(error).splitlines()), type(error).__name__)[:200].rstrip(". ")
        raise DataError(f"{path.name} cannot be read: {detail}. Is it complete?") from error
