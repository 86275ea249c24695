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
from data.vocabulary import Vocabulary
from ranker.candidates import BoolArray
from ranker.rules.kinds import AnyRule

logger = logging.getLogger("segue.rules")

CHECK_EVERY = 1.0  # seconds between two looks at a file

_Stamp = tuple[int, int, int]


@dataclass(frozen=True, eq=False)
class TrackList:
    """What one file lists.

    Attributes
    ----------
    mask : ndarray of bool, shape (n_tracks,)
        Read-only.
    digest : str
        Of the file's bytes: the same for the same list on every machine.
    """

    mask: BoolArray
    digest: str


class TrackLists:
    """The files that the rules of one bundle name, read again when they change.

    A file is looked at again at most every second, by whoever needs it. One that cannot be read
    any more is reported once, and what it listed last stays in force.

    Parameters
    ----------
    tracks : Vocabulary
        Ids that it doesn't hold are left out.
    """

    def __init__(self, tracks: Vocabulary) -> None:
        self._tracks = tracks
        self._lock = threading.Lock()
        self._held: dict[Path, tuple[TrackList, _Stamp | None]] = {}
        self._looked_at: dict[Path, float] = {}

    def get(self, path: Path) -> TrackList:
        """Return what a file lists.

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
                self._held[path] = self._parsed(read_list(path)), stamp
        except (OSError, ParameterError) as error:
            if held is None:
                raise ParameterError(_unreadable(path, error)) from None
            if held[1] is not None:
                logger.warning("%s What it listed before stays.", _unreadable(path, error))
                self._held[path] = held[0], None

    def _parsed(self, content: bytes) -> TrackList:
        lines = (line.strip() for line in content.decode("utf-8-sig").splitlines())
        found = self._tracks.indices([line for line in lines if line])
        mask = np.zeros(len(self._tracks), bool)
        mask[found[found >= 0]] = True
        mask.flags.writeable = False
        return TrackList(mask, blake2b(content, digest_size=8).hexdigest())


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
