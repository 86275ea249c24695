"""Files of track ids that selectors read: what is available today."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

import numpy as np

from data.errors import ParameterError
from data.id_lines import read_ids
from data.vocabulary import Vocabulary
from ranker.candidates import BoolArray
from ranker.rules.kinds import AnyRule

logger = logging.getLogger("segue.rules")

CHECK_EVERY = 1.0  # seconds between two looks at a file

_Stamp = tuple[int, int, int]


@dataclass(frozen=True, eq=False)
class ListFile:
    """What a file held when it was read.

    Attributes
    ----------
    content : bytes
    digest : str
        Of the content: the same for the same list on every machine.
    """

    content: bytes
    digest: str


class ListFiles:
    """Files of track ids, read again when they change.

    A file is looked at again at most every second, by whoever needs it. One that cannot be read
    any more is reported once, and what it listed last stays in force: for later bundles, too, that
    are given the same `ListFiles`.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: dict[Path, tuple[ListFile, _Stamp | None]] = {}
        self._looked_at: dict[Path, float] = {}

    def get(self, path: Path) -> ListFile:
        """Return what a file holds.

        Raises
        ------
        ParameterError
            If it cannot be read, and never could.
        """
        now = time.monotonic()
        if now - self._looked_at.get(path, -np.inf) >= CHECK_EVERY:
            with self._lock:
                self._look(path)
                self._looked_at[path] = now
        return self._held[path][0]

    def _look(self, path: Path) -> None:
        held = self._held.get(path)
        try:
            stamp = _stamp(path)
            if held is None or stamp != held[1]:
                content = read_list(path)
                digest = blake2b(content, digest_size=8).hexdigest()
                self._held[path] = ListFile(content, digest), stamp
        except (OSError, ParameterError) as error:
            if held is None:
                raise ParameterError(_unreadable(path, error)) from None
            if held[1] is not None:
                logger.warning("%s What it listed before stays.", _unreadable(path, error))
                self._held[path] = held[0], None


@dataclass(frozen=True, eq=False)
class TrackList:
    """What one file lists of one bundle's tracks.

    Attributes
    ----------
    mask : ndarray of bool, shape (n_tracks,)
        Read-only.
    digest : str
        Of the file's bytes.
    """

    mask: BoolArray
    digest: str


class TrackLists:
    """The files that the rules of one bundle name.

    Parameters
    ----------
    tracks : Vocabulary
        Ids that it doesn't hold are left out.
    files : ListFiles, optional
        Shared with other bundles.
    """

    def __init__(self, tracks: Vocabulary, files: ListFiles | None = None) -> None:
        self._tracks = tracks
        self._files = files or ListFiles()
        self._held: dict[Path, TrackList] = {}

    def get(self, path: Path) -> TrackList:
        """Return what a file lists; raises what `ListFiles.get` does."""
        file = self._files.get(path)
        held = self._held.get(path)
        if held is None or held.digest != file.digest:
            held = self._held[path] = TrackList(self._mask(file.content), file.digest)
        return held

    def _mask(self, content: bytes) -> BoolArray:
        found = self._tracks.indices(read_ids(content))
        mask = np.zeros(len(self._tracks), bool)
        mask[found[found >= 0]] = True
        mask.flags.writeable = False
        return mask


def check_lists(rules: Sequence[AnyRule]) -> None:
    """Raise `ParameterError` if a file that one of the rules names cannot be read."""
    for rule in rules:
        for path in () if rule.where is None else rule.where.files:
            read_list(path)


def read_list(path: Path) -> bytes:
    """Return the bytes of a list of ids.

    Raises
    ------
    ParameterError
        If the file cannot be read, or is not UTF-8.
    """
    try:
        content = path.read_bytes()
        content.decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ParameterError(_unreadable(path, error)) from None
    return content


def _stamp(path: Path) -> _Stamp:
    status = path.stat()
    return status.st_mtime_ns, status.st_size, status.st_ino


def _unreadable(path: Path, error: Exception) -> str:
    if isinstance(error, ParameterError):
        return str(error)
    reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
    return f"The list {str(path)!r} of a rule cannot be read: {reason}. Write a track id a line."
