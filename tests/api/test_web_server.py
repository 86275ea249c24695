"""What runs in the workers of gunicorn, here without gunicorn's processes."""

from __future__ import annotations

import json
import logging
import shutil
import socket
from pathlib import Path

import pytest

from api.config import ApiConfig, Settings
from api.server.handover import Handover
from api.server.refusals import write_problem
from api.server.web import WebServer
from engine.home import Home
from tests.api.conftest import copy_home


@pytest.fixture
def handover(template: Home, tmp_path: Path) -> Handover:
    home = Home(tmp_path / "home")
    copy_home(template, home)
    return Handover(
        home=home.root,
        settings=Settings(api=ApiConfig(request_timeout=7, access_log=True)),
        listener=5,
        workers=3,
        threads=6,
        redis_url=None,
        audio_socket=tmp_path / "a.sock",
    )


def test_settings_reach_gunicorn(handover: Handover) -> None:
    told = Handover.model_validate_json(handover.model_dump_json())
    assert told == handover
    config = WebServer(told).cfg
    assert (config.workers, config.threads, config.timeout) == (3, 6, 7)
    assert config.worker_class_str == "gthread"
    assert config.address == [5]
    assert config.accesslog == "-"
    assert not config.preload_app


def test_settings_are_not_read_again(handover: Handover, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEGUE_API__PORT", "1234")
    told = Handover.model_validate_json(handover.model_dump_json())
    assert told.settings.api.port == 8000


def close(app: object) -> None:
    app.extensions["segue"].close()  # type: ignore[attr-defined]


def test_a_worker_opens_its_own_store_and_bundle(handover: Handover) -> None:
    app = WebServer(handover).load()
    assert app.test_client().get("/readyz").status_code == 200
    close(app)


def test_a_worker_without_a_bundle_says_so_and_lives(
    handover: Handover, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.ERROR)
    shutil.rmtree(handover.home / "bundles")
    app = WebServer(handover).load()
    assert "segue train" in caplog.text
    assert app.test_client().get("/healthz").status_code == 200
    close(app)


@pytest.mark.parametrize(
    ("status", "message", "part"),
    [
        (400, "Invalid Request Line 'Invalid HTTP request line: 'X''", "request line"),
        (400, "Invalid Method 'Invalid HTTP method: 'get''", "in capital letters"),
        (400, "Invalid HTTP Version 'Invalid HTTP Version: (9, 9)'", "must be 1.0 or 1.1"),
        (400, "Invalid HTTP Header: 'bad header'", "A header is not as HTTP has it"),
        (400, "Invalid chunk size: b'ZZ'", "its chunks are broken"),
        (414, "Request Line is too large (9014 > 8190)", "longer than 8190 bytes"),
        (431, "Error parsing headers: 'limit request headers fields'", "at most 100"),
        (500, "", "The service failed"),
    ],
)
def test_what_gunicorn_says_becomes_a_problem(status: int, message: str, part: str) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        write_problem(ours, status, "Some Reason", message)
        answer = theirs.recv(10_000).decode()
    head, _, body = answer.partition("\r\n\r\n")
    assert head.startswith(f"HTTP/1.1 {status} Some Reason")
    assert f"Content-Length: {len(body)}" in head
    document = json.loads(body)
    assert document.keys() == {"type", "title", "status", "detail", "request_id"}
    assert part in document["detail"]
    assert "Invalid" not in document["detail"]
