"""Files that are whole or not there: what a crash leaves is the old content or the new."""

from __future__ import annotations

import hashlib
import os
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from data.errors import DataError


def temporary_path(path: Path) -> Path:
    """Return an unused hidden name in the folder of `path`, so that a rename stays on one disk."""
    return path.with_name(f".{path.name[:100]}.{os.getpid()}.{secrets.token_hex(4)}.tmp")


def sync(path: Path) -> None:
    """Flush a written file, or the entries of a folder, to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def publish(temporary: Path, path: Path) -> None:
    """Make a finished temporary file durable and give it its name, replacing what was there."""
    sync(temporary)
    temporary.replace(path)
    sync(path.parent)


@contextmanager
def atomic_path(path: Path, *, durable: bool = True) -> Iterator[Path]:
    """Give a temporary path to write to; it becomes `path` if the block ends without an error.

    Parameters
    ----------
    path : Path
        Its folder is made if it is missing.
    durable : bool
        Whether to wait for the disk. What can be made again, such as a cache, need not.

    Raises
    ------
    DataError
        If the system refuses to write there.
    """
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = temporary_path(path)
        try:
            yield temporary
            if durable:
                publish(temporary, path)
            else:
                temporary.replace(path)
        finally:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn what the system says against writing a file into a `DataError` that names the file."""
    try:
        yield
    except BrokenPipeError:  # of standard output: no file is at fault
        raise
    except OSError as error:
        raise DataError(f"{path} cannot be written: {_reason(error)}.") from error


def why_not_writable(path: Path) -> str | None:
    """Say why a file cannot be written, before there is anything to write; None if it can.

    Parameters
    ----------
    path : Path
        Folders that are missing would be made. Nothing is made here.
    """
    try:
        if path.is_dir():
            return "it is a directory"
        if path.exists() and not path.is_file():
            return "it is not a regular file"
        folder = path.absolute().parent
        while not folder.exists():
            folder = folder.parent
        if not folder.is_dir():
            return f"{folder} is not a directory"
        with tempfile.TemporaryFile(dir=folder):
            return None
    except OSError as error:
        return _reason(error)


def _reason(error: OSError) -> str:
    return (error.strerror or str(error) or type(error).__name__).rstrip(".")


def write_atomically(path: Path, content: bytes) -> None:
    """Replace a file's content in one step, durably."""
    with atomic_path(path) as temporary:
        temporary.write_bytes(content)


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
