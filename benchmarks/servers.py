"""Two real web servers under the same gunicorn settings: Segue's, and a bare Flask application.

    python -m benchmarks.servers segue HOME    everything that `segue serve` starts
    python -m benchmarks.servers bare FILE     Flask, answering every path with the bytes of FILE

Each prints its port when it answers, and ends on SIGTERM.
"""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from flask import Flask, Response

from api.config import Settings
from api.server import serve
from api.server.handover import Handover
from api.server.listener import listen
from api.server.web import WebServer
from engine.home import Home

_WORKERS = 2
_ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}  # as `segue serve` sets them


class BareServer(WebServer):
    """Segue's gunicorn, settings and all, with another application in it."""

    def __init__(self, handover: Handover, body: bytes) -> None:
        self._body = body
        super().__init__(handover)

    def load(self) -> Flask:
        """Make the application, in a worker."""
        app = Flask("bare", static_folder=None)

        @app.get("/<path:path>")
        def answer(path: str) -> Response:  # noqa: ARG001 - every path has the same answer
            return Response(self._body, mimetype="application/json")

        return app


def _serve_segue(home: Path) -> None:
    serve(
        Home(home),
        Settings(),
        host="127.0.0.1",
        port=0,
        workers=_WORKERS,
        ready=lambda port: print(port, flush=True),
    )


def _serve_bare(body: Path) -> None:
    settings, listener = Settings(), listen("127.0.0.1", 0)
    print(listener.getsockname()[1], flush=True)  # who connects before it answers, waits
    handover = Handover(
        home=body.parent,
        settings=settings,
        listener=listener.detach(),  # gunicorn closes it
        workers=_WORKERS,
        threads=settings.api.threads,
        redis_url=None,
        audio_socket=body.parent / "none.sock",
    )
    BareServer(handover, body.read_bytes()).run()


@contextmanager
def started(kind: str, path: Path) -> Iterator[http.client.HTTPConnection]:
    """Start a server, and lend one connection to it."""
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.servers", kind, str(path)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[1],
        env={**_ONE_THREAD, **{k: v for k, v in os.environ.items() if k[:6] != "SEGUE_"}},
    )
    assert process.stdout is not None
    try:
        port = int(process.stdout.readline())
        _wait_for_answer(port)
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        yield connection
        connection.close()
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)
        process.stdout.close()


def _wait_for_answer(port: int) -> None:
    # By a connection of its own: one older than gunicorn lacks TCP_NODELAY, and waits 40 ms a time.
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", "/healthz")
    connection.getresponse().read()
    connection.close()


if __name__ == "__main__":
    {"segue": _serve_segue, "bare": _serve_bare}[sys.argv[1]](Path(sys.argv[2]))
