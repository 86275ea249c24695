"""The installed `segue` command, run as a person would."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.postgres import fresh_schema

SEGUE = Path(sys.executable).with_name("segue")
Command = Callable[..., str]


@dataclass(frozen=True)
class Served:
    """A service on a port of its own."""

    port: int

    def ask(self, path: str, body: bytes | None = None, *, kind: str = "") -> tuple[int, Any]:
        """Send one request; return status and JSON (or bytes, if it isn't any)."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            headers = {"Content-Type": kind} if kind else {}
            connection.request("GET" if body is None else "POST", path, body, headers)
            response = connection.getresponse()
            content = response.read()
            is_json = "json" in str(response.getheader("Content-Type"))
            return response.status, json.loads(content) if is_json else content
        finally:
            connection.close()

    def get(self, path: str) -> Any:
        """Return the JSON of a request that must succeed."""
        status, document = self.ask(path)
        assert status == 200, document
        return document

    def post(self, path: str, document: object) -> tuple[int, Any]:
        """Send JSON."""
        return self.ask(path, json.dumps(document).encode(), kind="application/json")

    def upload(self, path: str, file: Path) -> tuple[int, Any]:
        """Send a file as a form does."""
        boundary = uuid.uuid4().hex
        head = (
            f'--{boundary}\r\nContent-Disposition: form-data; name="file"; '
            f'filename="{file.name}"\r\nContent-Type: audio/mpeg\r\n\r\n'
        )
        body = head.encode() + file.read_bytes() + f"\r\n--{boundary}--\r\n".encode()
        return self.ask(path, body, kind=f"multipart/form-data; boundary={boundary}")


def environment(home: Path, **extra: str) -> dict[str, str]:
    """Return an environment whose only settings are these; the encoder hardly trains."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("SEGUE_")}
    quick = {
        "SEGUE_AUDIO__MAX_STEPS": "4",
        "SEGUE_CF__FACTORS": "8",
        "SEGUE_ENGINE__TUNE_SECONDS": "0",
    }
    return {**kept, **quick, "SEGUE_HOME": str(home), **extra}


def run(arguments: tuple[object, ...], env: dict[str, str], *, status: int = 0) -> str:
    """Run `segue`; return what it printed on standard output."""
    words = [str(SEGUE), *map(str, arguments)]
    done = subprocess.run(words, env=env, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == status, f"{words}\n{done.stdout}\n{done.stderr}"
    assert "Traceback" not in done.stderr
    return done.stdout if status == 0 else done.stderr


@contextmanager
def serving(env: dict[str, str], *arguments: str) -> Iterator[Served]:
    """Run `segue serve` (or another command that serves) until the block ends."""
    words = [str(SEGUE), *(arguments or ("serve",)), "--port", "0"]
    process = subprocess.Popen(words, env=env, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        for line in process.stdout:
            if "http://127.0.0.1:" in line:
                address = line.split("http://127.0.0.1:")[1]
                break
        else:
            raise AssertionError(f"{words} ended with {process.wait()}")
        yield Served(int(re.match(r"\d+", address).group()))  # type: ignore[union-attr]
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=60) == 0
    finally:
        process.kill()
        process.wait()
        process.stdout.close()  # type: ignore[union-attr]


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small sample: 2 styles x 3 artists x 4 tracks of 4 s, 40 listeners."""
    directory = tmp_path_factory.mktemp("sample")
    words = [
        "data",
        "sample",
        "--styles",
        "2",
        "--artists",
        "3",
        "--tracks",
        "4",
        "--seconds",
        "4",
        "--users",
        "40",
        "--out",
    ]
    run((*words, directory), environment(directory / "unused"))
    return directory


@pytest.fixture
def postgres_url() -> Iterator[str]:
    """A PostgreSQL schema of its own."""
    yield from fresh_schema()
