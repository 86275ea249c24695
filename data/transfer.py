"""One file on its way over HTTP: attempts, and what is known of the part that has come."""

from __future__ import annotations

import json
import logging
import shutil
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO

import requests
from requests.exceptions import ChunkedEncodingError, SSLError

from data.errors import DataError

Progress = Callable[[int, int, str], None]

_log = logging.getLogger("segue.data")

_PIECE = 1 << 17  # bytes; what of a piece has come when the connection breaks is lost
_SPARE = 64 << 20  # bytes that a disk should have left when all is there
_LONGEST_WAIT = 30.0  # seconds
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


@dataclass(frozen=True)
class Transfer:
    """A file, and the part of it that has come so far.

    Attributes
    ----------
    url : str
    target : Path
        Beside it stand `.part`, the bytes so far, and `.part.json`, the version they are of.
    checked : bool
        Whether the caller checks the whole: then parts are joined even if the server cannot say
        whether they are of one version.
    progress : callable or None
    timeout : float
        Seconds.
    """

    url: str
    target: Path
    checked: bool
    progress: Progress | None
    timeout: float

    @property
    def part(self) -> Path:
        """The bytes so far."""
        return self.target.with_name(self.target.name + ".part")

    @property
    def note(self) -> Path:
        """The version they are of."""
        return self.target.with_name(self.target.name + ".part.json")

    def run(self, file: BinaryIO, *, retries: int, backoff: float) -> None:
        """Complete the part; give up after `retries` failures in a row without a new byte."""
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
                        f"{self.url} could not be fetched: {error} What came is kept: "
                        "run it again to go on."
                    ) from error
                _log.info("%s: %s Trying again.", self.url, error)
                time.sleep(min(backoff * 2 ** (failures - 1), _LONGEST_WAIT))

    def _attempt(self, file: BinaryIO) -> None:
        noted = self._noted(file)
        try:
            with requests.get(
                self.url,
                headers=_headers(noted, file.tell()),
                stream=True,
                timeout=self.timeout,
            ) as answer:
                self._take(answer, file, noted)
        except SSLError as error:
            raise DataError(f"{self.url} cannot be trusted: {error!s:.200}.") from error
        except (requests.ConnectionError, requests.Timeout, ChunkedEncodingError) as error:
            raise _Transient(f"the connection failed ({type(error).__name__}).") from error
        except requests.RequestException as error:
            raise DataError(f"{self.url} cannot be fetched: {error!s:.200}.") from error

    def _noted(self, file: BinaryIO) -> _Version | None:
        """Return the version of the part, or None, and an empty part, if nothing can be added."""
        try:
            version = _Version(**json.loads(self.note.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            version = _Version("", "", -1)
        same = version.url == self.url and (version.validator or self.checked)
        if file.tell() and same:
            return version
        self._empty(file)
        return None

    def _take(self, answer: requests.Response, file: BinaryIO, noted: _Version | None) -> None:
        start = file.tell()
        if answer.status_code == 416 and answer.headers.get("Content-Range") == f"bytes */{start}":
            return  # everything had come before
        _refuse(answer, self.url)
        if answer.status_code == 200:
            self._empty(file)  # no ranges here, or the file has changed
        elif noted is None or not _continues(answer, start, noted.size):
            self._empty(file)
            raise _Transient("the file has changed.")
        version = _version(self.url, answer, file.tell())
        self.note.write_text(json.dumps(asdict(version)), encoding="utf-8")
        check_space(self.target.parent, version.size - file.tell())
        self._receive(answer, file, version.size)

    def _receive(self, answer: requests.Response, file: BinaryIO, size: int) -> None:
        for piece in answer.iter_content(_PIECE):
            file.write(piece)
            if self.progress is not None:
                self.progress(file.tell(), max(size, 0), self.target.name)
        file.flush()
        if 0 <= file.tell() < size:
            raise _Transient("the connection closed early.")

    def _empty(self, file: BinaryIO) -> None:
        file.seek(0)
        file.truncate()
        self.note.unlink(missing_ok=True)

    def discard(self) -> None:
        """Remove what has come so far."""
        self.part.unlink(missing_ok=True)
        self.note.unlink(missing_ok=True)


def check_space(folder: Path, needed: int) -> None:
    """Raise `DataError` unless `needed` bytes fit on the disk of a folder, with some to spare."""
    free = shutil.disk_usage(folder).free
    if needed > 0 and needed + _SPARE > free:
        raise DataError(
            f"{needed / 1e9:.2f} GB more are needed in {folder}, and {free / 1e9:.2f} GB are free. "
            "Free some space, or choose another folder."
        )


def _headers(noted: _Version | None, start: int) -> dict[str, str]:
    """Return the headers that ask for the rest, if the part is still of the same version."""
    headers = {"Accept-Encoding": "identity"}
    if noted is not None:
        headers["Range"] = f"bytes={start}-"
        if noted.validator:
            headers["If-Range"] = noted.validator
    return headers


def _refuse(answer: requests.Response, url: str) -> None:
    status = f"the server answered {answer.status_code} {answer.reason}."
    if answer.status_code in _TRANSIENT:
        raise _Transient(status)
    if answer.status_code not in (200, 206, 416):
        raise DataError(f"{url} cannot be fetched: {status} Check the address.")


def _continues(answer: requests.Response, start: int, size: int) -> bool:
    """Whether an answer goes on where our part ends, in a file of the same size."""
    span, _, total = answer.headers.get("Content-Range", "").partition("/")
    same_size = size < 0 or total in ("*", str(size))
    return answer.status_code == 206 and span.startswith(f"bytes {start}-") and same_size


def _version(url: str, answer: requests.Response, start: int) -> _Version:
    if answer.headers.get("Content-Encoding", "identity") != "identity":
        return _Version(url, "", -1)  # packed against our wish: offsets would not fit
    tag = answer.headers.get("ETag", "")
    validator = tag if tag.startswith('"') else answer.headers.get("Last-Modified", "")
    length = answer.headers.get("Content-Length", "")
    return _Version(url, validator, start + int(length) if length.isdigit() else -1)
