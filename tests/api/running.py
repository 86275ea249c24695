"""A real `serve` in a process of its own, for tests."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CODE = """
import logging, sys
from pathlib import Path
from api.config import load_settings
from api.server import serve
from data.errors import SegueError
from engine.home import Home

logging.basicConfig(format="%(message)s")
home = Home(Path(sys.argv[1]))
try:
    serve(home, load_settings(home), host="127.0.0.1", port=0, workers=2,
          ready=lambda port: print(port, flush=True))
except SegueError as error:
    sys.exit(str(error))
"""


def wait_until(condition: Callable[[], object], *, within: float = 30.0) -> None:
    """Wait for something that takes a moment."""
    deadline = time.monotonic() + within
    while not condition():
        assert time.monotonic() < deadline, "It took too long."
        time.sleep(0.05)


def descendants(pid: int) -> dict[int, str]:
    """Return the command lines of all processes below one, by their id."""
    parents: dict[int, int] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, parent = stat.read_text().rpartition(")")[2].split()[:2]
        except OSError:
            continue
        if state != "Z":
            parents[int(stat.parent.name)] = int(parent)
    found: set[int] = {pid}
    while more := {p for p, parent in parents.items() if parent in found} - found:
        found |= more
    return {p: command_line(p) for p in found - {pid}}


def command_line(pid: int) -> str:
    """Return the command line of a process, empty if it is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""


def alive(pids: dict[int, str]) -> set[int]:
    """Return which of these processes are still what they were."""
    return {p for p, command in pids.items() if command and command_line(p) == command}


@dataclass
class Running:
    """A served home."""

    process: subprocess.Popen[str]
    port: int
    log: Path

    def ask(
        self, path: str, body: object = None, *, headers: dict[str, str] | None = None
    ) -> tuple[int, Any, dict[str, str]]:
        """Send one request, its path as it is; return status, JSON and headers."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        headers = dict(headers or {})
        content = body
        if body is not None and not isinstance(body, bytes):
            content = json.dumps(body).encode()
            headers["Content-Type"] = "application/json"
        try:
            connection.request("GET" if body is None else "POST", path, content, headers)  # type: ignore[arg-type]
            response = connection.getresponse()
            text = response.read()
            return response.status, json.loads(text), dict(response.getheaders())
        finally:
            connection.close()

    def children(self, part: str) -> list[int]:
        """Return the processes of this server whose command line holds a text."""
        return [p for p, command in descendants(self.process.pid).items() if part in command]

    def stop(self, with_signal: int = signal.SIGTERM) -> int:
        """End it, and return its exit status."""
        self.process.send_signal(with_signal)
        return self.process.wait(60)


@contextmanager
def running(home: Path, directory: Path) -> Iterator[Running]:
    """Serve a home; the current directory holds modules that must not be imported."""
    for name in ("data.py", "engine.py", "api.py", "flask.py"):
        (directory / name).write_text("raise SystemExit('imported from the current directory')")
    environment = {k: v for k, v in os.environ.items() if not k.startswith("SEGUE_")}
    log = directory / "server.log"
    with log.open("w") as errors:
        process = subprocess.Popen(
            [sys.executable, "-P", "-c", CODE, str(home)],
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            cwd=directory,
            env=environment,
        )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, log.read_text()
        yield Running(process, int(line), log)
    finally:
        process.kill()
        process.wait()
        process.stdout.close()  # type: ignore[union-attr]
