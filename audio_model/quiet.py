"""Keeps C libraries from writing on standard error.

libmpg123 prints notes on every damaged frame, and TensorFlow prints before its log level is
read. Neither can be asked to stop through Python, and both say nothing that Segue does not report
itself, so file descriptor 2 points to nowhere while they run.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

_lock = threading.Lock()
_depth = 0
_saved: int | None = None


@contextmanager
def quiet_stderr() -> Iterator[None]:
    """Discard what is written on file descriptor 2 of this process meanwhile, by any thread.

    May be nested and entered by several threads: the last to leave restores it.
    """
    _enter()
    try:
        yield
    finally:
        _leave()


def _enter() -> None:
    global _depth, _saved
    with _lock:
        if _depth == 0:
            with suppress(OSError, ValueError, AttributeError):  # no usable standard error: fine
                sys.stderr.flush()
                _saved = os.dup(2)
                nowhere = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nowhere, 2)
                os.close(nowhere)
        _depth += 1


def _leave() -> None:
    global _depth, _saved
    with _lock:
        _depth -= 1
        if _depth == 0 and _saved is not None:
            os.dup2(_saved, 2)
            os.close(_saved)
            _saved = None
