"""The process of `segue serve`: starts the others, keeps them, and ends them.

::

    segue serve (this one: no requests, no models)
    ├── gunicorn              its end is the end of the service
    │   └── workers           one process a core, several threads each
    ├── redis-server          the embedded cache, unless a URL is set; started again when it ends
    └── audio worker          TensorFlow; while the current bundle has an encoder; likewise

Each ends with this process, even if that is killed.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from api.config import Settings
from api.server.child import Companion, end, spawn
from api.server.companions import companions_of
from api.server.handover import Handover
from api.server.listener import listen, readiness
from api.server.run_directory import run_directory
from data.errors import SegueError
from data.store import Store
from engine.bundle import BundleRegistry
from engine.home import Home
from ranker.rules import check_lists

_TICK_S = 0.2
_READY_WITHIN_S = 120.0
_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
_ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}


def serve(
    home: Home,
    settings: Settings,
    *,
    host: str,
    port: int,
    workers: int,
    threads: int | None = None,
    ready: Callable[[int], None] | None = None,
) -> None:
    """Serve the current bundle until SIGTERM, SIGINT or SIGHUP. Only from the main thread.

    Parameters
    ----------
    home : Home
    settings : Settings
    host : str
        Address to listen on.
    port : int
        0 takes a free one.
    workers, threads : int
        Processes, and threads of each; `api.threads` by default.
    ready : callable, optional
        Called with the port once requests are answered; by default one line is printed.

    Raises
    ------
    ParameterError
        If a list of tracks that a rule names cannot be read.
    BundleError
        If there is no bundle that can be opened.
    DataError
        If the store cannot be opened.
    SegueError
        If the port is in use, or the web server ends by itself.
    """
    check_lists(settings.rules)
    BundleRegistry(home.bundles).open_current(verify=False)
    Store.open(settings.data.url(home.root)).close()  # upgrades it, too
    with ExitStack() as stack:
        listener = stack.enter_context(listen(host, port))
        directory = stack.enter_context(run_directory(home.redis))
        stopped = stack.enter_context(_stop_signals())
        companions, cache_url = companions_of(home, settings, directory)
        for companion in companions:
            stack.callback(companion.end)
            companion.keep()
        handover = Handover(
            home=home.root,
            settings=settings,
            listener=listener.fileno(),
            workers=workers,
            threads=threads or settings.api.threads,
            redis_url=cache_url,
            audio_socket=directory / "audio.sock",
        )
        web = _start_web(handover)
        stack.callback(end, web, patience=settings.api.shutdown_timeout + 5.0)
        bound = listener.getsockname()[1]
        _wait_until_ready(web, listener, companions, stopped)
        if not stopped():
            (ready or (lambda _: _announce(host, bound)))(bound)
        while not stopped():
            _keep(web, companions)


def _announce(host: str, port: int) -> None:
    shown = f"[{host}]" if ":" in host else host
    print(f"Segue serves on http://{shown}:{port}/ (Ctrl-C ends it).", flush=True)


def _start_web(handover: Handover) -> subprocess.Popen[bytes]:
    # -P: what lies in the current directory (`data/`, `engine.py`) is not to be imported.
    command = [sys.executable, "-P", "-m", "api.server.web"]
    web = spawn(command, environment={**_ONE_THREAD, **os.environ}, keep=[handover.listener])
    assert web.stdin is not None
    with web.stdin as pipe:
        pipe.write(handover.model_dump_json().encode())
    return web


def _wait_until_ready(
    web: subprocess.Popen[bytes],
    listener: socket.socket,
    companions: list[Companion],
    stopped: Callable[[], bool],
) -> None:
    deadline = time.monotonic() + _READY_WITHIN_S
    while not stopped():
        ready, kind, detail = readiness(listener)
        if ready:
            return
        if kind.endswith("no-bundle") or time.monotonic() > deadline:
            raise SegueError(f"The service is not ready: {detail}")
        _keep(web, companions)


def _keep(web: subprocess.Popen[bytes], companions: list[Companion]) -> None:
    """Look after the children, and wait a moment."""
    if web.poll() is not None:
        raise SegueError(
            f"The web server ended by itself, with status {web.returncode}; its last lines say why."
        )
    for companion in companions:
        companion.keep()
    time.sleep(_TICK_S)


@contextmanager
def _stop_signals() -> Iterator[Callable[[], bool]]:
    """Note the signals that end the service instead of dying from them."""
    received: list[int] = []
    before = {s: signal.signal(s, lambda number, _: received.append(number)) for s in _SIGNALS}
    try:
        yield lambda: bool(received)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
