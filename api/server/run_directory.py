"""A directory for the sockets of one running server."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_LONGEST = 107  # bytes of a Unix socket's path: `sun_path` of 108 with its NUL
_PREFIX = "run-"
_LONGEST_NAME = "run-xxxxxxxx/audio.sock"


@contextmanager
def run_directory(parent: Path) -> Iterator[Path]:
    """Make a directory for sockets, private to this user, and delete it in the end.

    Parameters
    ----------
    parent : Path
        Where to make it, unless that makes paths too long for sockets; made if missing. What
        servers left there that were killed is cleared away.
    """
    parent.mkdir(parents=True, exist_ok=True)
    for old in parent.glob(f"{_PREFIX}*"):
        _delete_if_abandoned(old)
    long = len(os.fsencode(parent / _LONGEST_NAME)) > _LONGEST
    # No other server shares it: two may serve one home, on two ports.
    directory = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=None if long else parent))
    lock = _lock(directory)
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)
        if lock is not None:
            os.close(lock)


def _lock(directory: Path) -> int | None:
    """Lock a directory until the returned descriptor is closed; None if it is locked already."""
    try:
        descriptor = os.open(directory / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor


def _delete_if_abandoned(directory: Path) -> None:
    lock = _lock(directory)
    if lock is not None:
        shutil.rmtree(directory, ignore_errors=True)
        os.close(lock)
