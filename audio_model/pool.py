"""Reads files in processes of their own, so that a codec that crashes takes no run with it."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import get_context, resource_tracker
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Generic, TypeVar

from threadpoolctl import threadpool_limits

from audio_model.wire import receive, send
from data.errors import AudioError, SegueError

T = TypeVar("T")

TIME_LIMIT = 300.0
"""Seconds after which a file counts as one that its codec hangs on."""

_START_LIMIT = 120.0  # seconds a worker may take to import what it needs

# Not forks of this process, which may run TensorFlow's threads and would hang, but of one that has
# done nothing but load what decoding needs: half a second once, instead of in each worker.
_CONTEXT = get_context("forkserver")
_CONTEXT.set_forkserver_preload(["audio_model.embed"])
_POLL = 1.0  # seconds between looks at the clock


@dataclass(frozen=True)
class Outcome(Generic[T]):
    """What became of one file.

    Attributes
    ----------
    index : int
        Its position among the paths.
    value : object or None
        What was read.
    error : str or None
        Why nothing was: one line that names the file.
    """

    index: int
    value: T | None = None
    error: str | None = None


def read_in_workers(
    read: Callable[[Path], T],
    paths: Sequence[Path],
    *,
    workers: int = 1,
    time_limit: float = TIME_LIMIT,
) -> Generator[Outcome[T], None, None]:
    """Read files in worker processes.

    At most one file a worker is in flight, so memory does not grow when the caller is slow. A
    worker that dies, or takes too long, is replaced, and the file that it held is reported.
    Closing the iterator, or an exception in the caller, ends the workers.

    Parameters
    ----------
    read : callable
        Picklable; called with a path in a worker. An `AudioError` is the outcome of that file
        alone; any other `SegueError` ends the run.
    paths : sequence of Path
        The files.
    workers : int
        Processes.
    time_limit : float
        Seconds one file may take.

    Yields
    ------
    Outcome
        One a file, in order of completion.

    Raises
    ------
    SegueError
        What `read` raised, if it was no `AudioError`; and if no worker can be started.
    """
    pending = iter(enumerate(paths))
    crew = [_Worker(read) for _ in range(min(max(1, workers), len(paths)))]
    try:
        while True:
            for at, worker in enumerate(crew):
                if not worker.busy and (task := next(pending, None)) is not None:
                    if worker.dead:
                        crew[at] = _Worker(read)
                    crew[at].give(*task)
            if not any(worker.busy for worker in crew):
                return
            wait([worker.connection for worker in crew if worker.busy], timeout=_POLL)
            for worker in crew:
                outcome = worker.outcome(time_limit)
                if outcome is not None:
                    yield outcome
    finally:
        for worker in crew:
            worker.end()


class _Worker(Generic[T]):
    """The caller's side of one process, and the file that it holds."""

    def __init__(self, read: Callable[[Path], T]) -> None:
        self.connection, theirs = _CONTEXT.Pipe()
        self.process = _CONTEXT.Process(target=_serve, args=(theirs, read), daemon=True)
        # Ctrl-C reaches every process of a terminal, but is the caller's to handle: workers are
        # started with it blocked, since they would complain before they could ignore it.
        resource_tracker.ensure_running()  # first: its own start lets the signal through again
        blocked = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            self.process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
        theirs.close()
        self.ready = False
        self.dead = False
        self.task: tuple[int, Path] | None = None
        self.since = 0.0

    @property
    def busy(self) -> bool:
        return self.task is not None

    def give(self, index: int, path: Path) -> None:
        self.task, self.since = (index, path), time.monotonic()
        with suppress(OSError):  # it is dead, which `outcome` finds out
            self.connection.send(path)

    def outcome(self, time_limit: float) -> Outcome[T] | None:
        """Return the outcome of the file that it holds, or None if there is none yet."""
        if self.task is None:
            return None
        index, path = self.task
        try:
            if not self.connection.poll():
                if time.monotonic() - self.since < (time_limit if self.ready else _START_LIMIT):
                    return None
                return self._lost(f"{str(path)!r} took over {time_limit:g} s to decode.")
            kind, content = receive(self.connection)
        except (EOFError, OSError):
            self.process.join(_POLL)  # let it end by itself, to learn how
            return self._lost(f"{str(path)!r} crashed its decoder ({self._death()}).")
        if kind == "ready":
            self.ready, self.since = True, time.monotonic()
            return None
        if kind == "fatal":
            raise content
        self.task = None
        return Outcome(index, error=content) if kind == "bad" else Outcome(index, value=content)

    def _lost(self, message: str) -> Outcome[T]:
        assert self.task is not None
        index, how = self.task[0], self._death()
        self.task, self.dead = None, True
        self.end()
        if not self.ready:  # the file is not to blame, and the next would fare no better
            raise SegueError(f"No process that decodes sound can be started ({how}).")
        return Outcome(index, error=message)

    def _death(self) -> str:
        status = self.process.exitcode
        if status is None:
            return "it hangs"
        return f"exit {status}" if status >= 0 else signal.strsignal(-status) or f"signal {-status}"

    def end(self) -> None:
        self.process.kill()
        self.process.join()
        self.connection.close()


def _serve(connection: Connection, read: Callable[[Path], T]) -> None:
    """Answer paths until the other end is closed, which also happens when its process dies."""
    # One core each: the number of workers decides. The other end may close at any moment.
    with threadpool_limits(1), suppress(EOFError, ConnectionError):
        send(connection, ("ready", None))
        while True:
            send(connection, _attempt(read, connection.recv()))


def _attempt(read: Callable[[Path], T], path: Path) -> tuple[str, object]:
    try:
        return "value", read(path)
    except AudioError as error:
        return "bad", str(error)
    except SegueError as error:
        return "fatal", error
    except Exception as error:  # noqa: BLE001 - one bad file must never stop the run
        return "bad", f"{str(path)!r} cannot be read: {type(error).__name__}: {error!s:.200}"
