"""Child processes that end with their parent, and are started again when they end by themselves."""

from __future__ import annotations

import ctypes
import logging
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence

logger = logging.getLogger("segue.server")

_PR_SET_PDEATHSIG = 1
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.5, 30.0
_STEADY_S = 60.0  # a child that lived so long starts again without a longer pause

_prctl = getattr(ctypes.CDLL(None), "prctl", None)  # Linux only


def spawn(
    command: Sequence[str | os.PathLike[str]],
    *,
    environment: Mapping[str, str] | None = None,
    keep: Sequence[int] = (),
) -> subprocess.Popen[bytes]:
    """Start a process that is terminated when this one dies, however it does (on Linux).

    Only from the main thread: the kernel watches the thread, not its process. The child has a
    pipe as its standard input, and a process group of its own: Ctrl-C reaches the parent only,
    which ends its children in order.

    Parameters
    ----------
    command : sequence of str or path
    environment : mapping of str to str, optional
        Its whole environment.
    keep : sequence of int
        File descriptors that it inherits.

    Raises
    ------
    OSError
        If it cannot be started.
    """
    parent = os.getpid()

    def end_with_parent() -> None:
        if _prctl is not None:
            _prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
            if os.getppid() != parent:  # it died in between
                os._exit(1)

    return subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        env=environment,
        pass_fds=keep,
        process_group=0,
        preexec_fn=end_with_parent,  # noqa: PLW1509 - two calls of the kernel, no locks
    )


def end(process: subprocess.Popen[bytes], *, patience: float) -> None:
    """Ask a process to end, and kill it after `patience` seconds."""
    if process.stdin is not None:
        process.stdin.close()
    process.terminate()
    try:
        process.wait(patience)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


class Companion:
    """A child that the service can do without for a while.

    Parameters
    ----------
    name : str
        How the log calls it.
    start : callable
        Starts it.
    wanted : callable, optional
        Whether it is needed at all, so far; by default it is.
    """

    def __init__(
        self,
        name: str,
        start: Callable[[], subprocess.Popen[bytes]],
        wanted: Callable[[], bool] = lambda: True,
    ) -> None:
        self._name = name
        self._start = start
        self._wanted = wanted
        self._process: subprocess.Popen[bytes] | None = None
        self._started_at = 0.0
        self._due_at = 0.0
        self._pause = _FIRST_PAUSE_S

    def keep(self) -> None:
        """Start it if it should run and does not; called again and again."""
        now = time.monotonic()
        if self._process is not None and self._process.poll() is not None:
            self._ended(now, f"ended with status {self._process.returncode}")
        if self._process is None and now >= self._due_at and self._wanted():
            self._started_at = now
            try:
                self._process = self._start()
            except OSError as error:
                self._ended(now, f"cannot be started: {error.strerror}")

    def end(self) -> None:
        """End it for good."""
        if self._process is not None:
            end(self._process, patience=3.0)
            self._process = None

    def _ended(self, now: float, how: str) -> None:
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()
        if now - self._started_at > _STEADY_S:
            self._pause = _FIRST_PAUSE_S
        logger.warning("The %s %s; starting it again in %g s.", self._name, how, self._pause)
        self._process, self._due_at = None, now + self._pause
        self._pause = min(2 * self._pause, _LONGEST_PAUSE_S)
