"""Files fetched over HTTP: resumed, retried, checked, and never left half done."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from data.errors import DataError
from data.files import publish
from data.transfer import Progress, Transfer


def download(
    url: str,
    target: Path,
    *,
    sha1: str | None = None,
    sha256: str | None = None,
    progress: Progress | None = None,
    retries: int = 5,
    backoff: float = 1.0,
    timeout: float = 60.0,
) -> Path:
    """Fetch a file, unless it is there already.

    While the work goes on, `.part` and `.part.json` stand beside the target; whoever comes back
    goes on from there, if the server can serve ranges and its file has not changed.

    Parameters
    ----------
    url : str
    target : Path
        Where it goes. It appears only when it is whole and checked. If it exists it is kept
        when its checksum is right, or when none is given; else it is fetched anew.
    sha1, sha256 : str, optional
        What the file must hash to, in hexadecimal.
    progress : callable, optional
        Called with the bytes so far, the bytes in all (0 where unknown), and the file's name.
    retries : int
        How often in a row an attempt may fail without any new byte.
    backoff : float
        Seconds to wait after the first failure; doubled after each further one, 30 at most.
    timeout : float
        Seconds without an answer, or without a byte of it, that count as a failure.

    Returns
    -------
    Path
        `target`.

    Raises
    ------
    DataError
        If the server refuses, the file cannot be had after all retries, the disk is too full,
        another process is fetching the same file, or a checksum is wrong; then what came is
        removed, so that the next try starts anew.
    """
    wanted = {name: value for name, value in (("sha1", sha1), ("sha256", sha256)) if value}
    work = Transfer(url, target, checked=bool(wanted), progress=progress, timeout=timeout)
    try:
        if target.exists() and _mismatch(target, wanted) is None:
            return target
        target.parent.mkdir(parents=True, exist_ok=True)
        with _locked(work) as file:
            work.run(file, retries=retries, backoff=backoff)
            _finish(work, wanted)
    except OSError as error:
        raise DataError(f"{target} cannot be written: {error}. Choose another folder.") from error
    return target


def _finish(work: Transfer, wanted: dict[str, str]) -> None:
    problem = _mismatch(work.part, wanted)
    if problem is not None:
        work.discard()
        raise DataError(f"{work.url} {problem} It was removed; try again, or check the address.")
    publish(work.part, work.target)
    work.note.unlink(missing_ok=True)


@contextlib.contextmanager
def _locked(work: Transfer) -> Iterator[BinaryIO]:
    """Open the part for appending, for this process alone."""
    with work.part.open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Whoever held the lock may have finished and renamed the file we have just opened.
            ours = os.path.samestat(os.fstat(file.fileno()), work.part.stat())
        except (BlockingIOError, FileNotFoundError):
            ours = False
        if not ours:
            raise DataError(
                f"Another process is fetching {work.target.name}. Wait until it is done."
            )
        yield file


def _mismatch(path: Path, wanted: dict[str, str]) -> str | None:
    """Say which checksum of a file is wrong, or return None."""
    for name, value in wanted.items():
        with path.open("rb") as file:
            found = hashlib.file_digest(file, name).hexdigest()
        if found != value.lower():
            return f"has the wrong {name}: {value} was expected, {found} came."
    return None
