"""Files fetched over HTTP: resumed, retried, checked, and never left half done.

Beside `target` stand, while the work goes on, `.part` (what has come so far) and `.part.json`
(which version of the file that is). Whoever comes back goes on from there.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import logging
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO

import requests

from data.errors import DataError
from data.readers.atomic import publish

Progress = Callable[[int, int, str], None]

_log = logging.getLogger("segue.data")

_PIECE = 1 << 20
_SPARE = 64 << 20  # bytes that a disk should have left when all is there
_LONGEST_WAIT = 30.0
_TRANSIENT = {408, 425, 429, 500, 502, 503, 504}


class _Transient(Exception):  # noqa: N818 - never leaves this module
    """Something that may go better next time."""


@dataclass(frozen=True)
class _Version:
    """Which file a server holds: to a part of another version nothing may be appended.

    Attributes
    ----------
    url : str
    validator : str
        A strong ETag, else the Last-Modified date, else empty.
    size : int
        Bytes of the whole; -1 where unknown.
    """

    url: str
    validator: str
    size: int


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
        another process is fetching the same file, or a checksum is wrong; then the file is
        removed, so that the next try starts anew.
    """
    wanted = {name: value for name, value in (("sha1", sha1), ("sha256", sha256)) if value}
    if target.exists() and _mismatch(target, wanted) is None:
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    job = _Job(url, target, checked=bool(wanted), progress=progress, timeout=timeout)
    with _locked(job.part) as file:
        job.run(file, retries=retries, backoff=backoff)
        problem = _mismatch(job.part, wanted)
        if problem is not None:
            job.discard()
            raise DataError(f"{url} {problem} It was removed; try again, or check the address.")
        publish(job.part, target)
        job.note.unlink(missing_ok=True)
    return target


class _Job:
    """One file on its way."""

    def __init__(
        self,
        url: str,
        target: Path,
        *,
        checked: bool,
        progress: Progress | None,
        timeout: float,
    ) -> None:
        self.url = url
        self.part = target.with_name(target.name + ".part")
        self.note = target.with_name(target.name + ".part.json")
        self._name = target.name
        self._checked = checked
        self._progress = progress
        self._timeout = timeout

    def run(self, file: BinaryIO, *, retries: int, backoff: float) -> None:
        """Try until the part is whole; give up after `retries` failures without a new byte."""
        furthest, failures = file.tell(), 0
        while True:
            try:
                return self._attempt(file)
            except _Transient as error:
                if file.tell() > furthest:
                    furthest, failures = file.tell(), 0
                failures += 1
                if failures > retries:
                    raise DataError(
                        f"{self.url} could not be fetched: {error} The {file.tell()} bytes that "
                        "came are kept; run it again to go on."
                    ) from error
                _log.info("%s: %s Trying again.", self.url, error)
                time.sleep(min(backoff * 2 ** (failures - 1), _LONGEST_WAIT))

    def discard(self) -> None:
        """Remove what has come so far."""
        self.part.unlink(missing_ok=True)
        self.note.unlink(missing_ok=True)

    def _attempt(self, file: BinaryIO) -> None:
        start, headers = self._resume(file)
        try:
            with requests.get(
                self.url, headers=headers, stream=True, timeout=self._timeout
            ) as answer:
                if answer.status_code == 416:  # our part is not the beginning of this file
                    self._restart(file)
                    raise _Transient("the file has changed.")
                self._refuse(answer)
                if not _continues(answer, start):
                    self._restart(file)
                version = _version(self.url, answer, file.tell())
                self.note.write_text(json.dumps(asdict(version)), encoding="utf-8")
                self._check_space(version.size - file.tell())
                self._receive(answer, file, version.size)
        except (
            requests.ConnectionError,
            requests.Timeout,
            requests.exceptions.ChunkedEncodingError,
        ) as error:
            raise _Transient(f"the connection failed ({type(error).__name__}).") from error
        except requests.RequestException as error:
            raise DataError(f"{self.url} cannot be fetched: {error!s:.200}.") from error

    def _resume(self, file: BinaryIO) -> tuple[int, dict[str, str]]:
        """Return from where to go on, and the headers that ask for it."""
        plain = {"Accept-Encoding": "identity"}
        start, version = file.tell(), self._noted()
        # Without a validator only a checksum can tell whether the parts fit together.
        if start and (version is None or not (version.validator or self._checked)):
            self._restart(file)
            start = 0
        if not start or version is None:
            return 0, plain
        asked = {"Range": f"bytes={start}-", **plain}
        return start, asked | ({"If-Range": version.validator} if version.validator else {})

    def _noted(self) -> _Version | None:
        try:
            version = _Version(**json.loads(self.note.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None
        return version if version.url == self.url else None

    def _restart(self, file: BinaryIO) -> None:
        file.seek(0)
        file.truncate()
        self.note.unlink(missing_ok=True)

    def _refuse(self, answer: requests.Response) -> None:
        status = f"the server answered {answer.status_code} {answer.reason}."
        if answer.status_code in _TRANSIENT:
            raise _Transient(status)
        if answer.status_code not in (200, 206):
            raise DataError(f"{self.url} cannot be fetched: {status} Check the address.")

    def _check_space(self, needed: int) -> None:
        check_space(self.part.parent, needed)

    def _receive(self, answer: requests.Response, file: BinaryIO, size: int) -> None:
        for piece in answer.iter_content(_PIECE):
            file.write(piece)
            if self._progress is not None:
                self._progress(file.tell(), max(size, 0), self._name)
        file.flush()
        if 0 <= size < file.tell():
            self._restart(file)
            raise _Transient("more came than the server had promised.")
        if file.tell() < size:
            raise _Transient("the connection closed early.")


def check_space(folder: Path, needed: int) -> None:
    """Raise `DataError` unless `needed` bytes fit on the disk of a folder, with some to spare."""
    free = shutil.disk_usage(folder).free
    if needed > 0 and needed + _SPARE > free:
        raise DataError(
            f"{needed / 1e9:.2f} GB more are needed in {folder}, and {free / 1e9:.2f} GB are free. "
            "Free some space, or choose another folder."
        )


def _continues(answer: requests.Response, start: int) -> bool:
    """Whether an answer goes on where our part ends."""
    return answer.status_code == 206 and answer.headers.get("Content-Range", "").startswith(
        f"bytes {start}-"
    )


def _version(url: str, answer: requests.Response, start: int) -> _Version:
    tag = answer.headers.get("ETag", "")
    validator = tag if tag.startswith('"') else answer.headers.get("Last-Modified", "")
    length = answer.headers.get("Content-Length", "")
    return _Version(url, validator, start + int(length) if length.isdigit() else -1)


@contextlib.contextmanager
def _locked(part: Path) -> Iterator[BinaryIO]:
    """Open the part for appending, for this process alone."""
    with part.open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise DataError(
                f"Another process is fetching {part.with_suffix('').name}. Wait for it to end."
            ) from None
        yield file


def _mismatch(path: Path, wanted: dict[str, str]) -> str | None:
    """Say which checksum of a file is wrong, or return None."""
    for name, value in wanted.items():
        with path.open("rb") as file:
            found = hashlib.file_digest(file, name).hexdigest()
        if found != value.lower():
            return f"has the wrong {name}: {value} was expected, {found} came."
    return None
