"""The whole service: gunicorn with two workers, embedded Redis, SQLite, over real sockets."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

import pytest

from api.config import Settings
from api.server import serve
from data.errors import BundleError, ParameterError, SegueError
from engine.bundle import BundleRegistry, write_bundle
from engine.home import Home
from tests.api.conftest import AWKWARD, copy_home, make_contents
from tests.api.running import Running, alive, descendants, running, wait_until

URL = "/v1/users/u0/recommendations"


@pytest.fixture(scope="module")
def home(template: Home, tmp_path_factory: pytest.TempPathFactory) -> Home:
    home = Home(tmp_path_factory.mktemp("served") / "a home")
    copy_home(template, home)
    return home


@pytest.fixture(scope="module")
def server(home: Home, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(home.root, tmp_path_factory.mktemp("cwd")) as server:
        yield server


def raw(server: Running, request: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        while more := connection.recv(65_536):
            answer += more
        return answer


def test_it_is_ready_when_it_says_so(server: Running) -> None:
    status, body, _ = server.ask("/readyz")
    assert status == 200
    assert body["store"] == "ok"
    wait_until(lambda: server.ask("/readyz")[1]["cache"] == "ok")
    assert body["audio"] == "off"
    assert not server.children("engine.audio_worker")  # no encoder, no worker
    wait_until(lambda: len(server.children("api.server.web")) == 3)  # gunicorn and two workers


def test_answers_are_shared_between_workers(server: Running) -> None:
    server.ask(URL)
    assert {server.ask(URL)[1]["cache"] for _ in range(10)} == {"hit"}


@pytest.mark.parametrize("track_id", AWKWARD)
def test_awkward_ids_over_the_wire(server: Running, track_id: str) -> None:
    path = f"/v1/tracks/{quote(track_id, safe='')}"
    status, body, _ = server.ask(path)
    assert (status, body["track_id"]) == (200, track_id)
    assert server.ask(f"{path}/similar?n=2")[0] == 200


def test_audio_in_ranges_over_the_wire(server: Running, home: Home) -> None:
    content = (home.root / "t00.wav").read_bytes()
    head = b"GET /v1/tracks/t00/audio HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
    whole = raw(server, head + b"\r\n")
    assert whole.startswith(b"HTTP/1.1 200")
    assert whole.endswith(content)
    part = raw(server, head + b"Range: bytes=1000-1999\r\n\r\n")
    assert part.startswith(b"HTTP/1.1 206")
    assert part.partition(b"\r\n\r\n")[2] == content[1000:2000]


def test_what_gunicorn_refuses_is_a_problem_too(server: Running) -> None:
    for request, status in (
        (b"NONSENSE\r\n\r\n", b"400"),
        (b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", b"414"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nbad header\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nA: " + b"a" * 9000 + b"\r\n\r\n", b"431"),
    ):
        head, _, body = raw(server, request).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 " + status)
        assert b"application/problem+json" in head
        assert b"X-Request-Id" in head
        assert b'"request_id"' in body


def test_an_upload_that_is_too_large_is_told_so(server: Running) -> None:
    size = 64 * 1024 * 1024 + 1_000_000
    head = (
        "POST /v1/lookup HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=b\r\n"
        f"Content-Length: {size}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
        connection.sendall(head.encode())
        assert connection.recv(65_536).startswith(b"HTTP/1.1 413")


def chunked(server: Running, *chunks: bytes, end: bytes = b"0\r\n\r\n") -> bytes:
    """Send chunks of events, and return the answer as soon as it comes."""
    head = (
        b"POST /v1/events HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        b"Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
        connection.sendall(head)
        for chunk in chunks:
            connection.sendall(b"%x\r\n%s\r\n" % (len(chunk), chunk))
        connection.sendall(end)
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        with suppress(ConnectionResetError):  # what it has not read is lost
            while more := connection.recv(65_536):
                answer += more
        return answer


def padded(user: str, size: int) -> bytes:
    """Return one event of a user, filled up with spaces."""
    return json.dumps({"events": [{"user_id": user, "track_id": "t00"}]}).encode().ljust(size)


def test_chunks_up_to_the_limit_are_a_body_like_any_other(server: Running) -> None:
    most = Settings().api.max_body_bytes
    assert chunked(server, padded("chunks", 100)).startswith(b"HTTP/1.1 202")
    assert chunked(server, padded("chunks", most)).startswith(b"HTTP/1.1 202")


def test_chunks_beyond_the_limit_are_refused_and_never_cut(server: Running) -> None:
    most = Settings().api.max_body_bytes
    for rest in (b"x", b"garbage" * 1000):
        answer = chunked(server, padded("oversize", most), rest)
        assert answer.startswith(b"HTTP/1.1 413")
        assert b"larger than 4 MiB" in answer
    assert chunked(server, b"[" * (most + 1000)).startswith(b"HTTP/1.1 413")
    assert server.ask("/v1/users?prefix=oversize")[1]["items"] == []


@pytest.mark.parametrize(
    "end", [b"ZZ\r\n{}\r\n", b"2\r\n{}garbage\r\n", b"2;\x01\r\n{}\r\n", b"5\r\n{"]
)
def test_broken_chunks_are_the_senders_fault(server: Running, end: bytes) -> None:
    answer = chunked(server, end=end)
    assert answer.startswith(b"HTTP/1.1 400")
    assert b"application/problem+json" in answer
    assert b"The body " in answer
    assert b'"instance": "/v1/events"' in answer
    assert "Traceback" not in server.log.read_text()


def test_events_at_once_are_all_kept_and_seen_at_once(server: Running) -> None:
    failures: list[object] = []

    def listen(user: str) -> None:
        for n in range(6):
            items = server.ask(f"/v1/users/{user}/recommendations?n=1")[1]["items"]
            track = items[0]["track_id"]
            event = {"user_id": user, "track_id": track, "event": "hide", "event_id": f"{user}-{n}"}
            sent = [server.ask("/v1/events", {"events": [event]})[:2] for _ in range(2)]
            if sent != [
                (202, {"accepted": 1, "duplicates": 0}),
                (202, {"accepted": 0, "duplicates": 1}),
            ]:
                failures.append(sent)
            after = server.ask(f"/v1/users/{user}/recommendations?n=100")[1]["items"]
            if track in [item["track_id"] for item in after]:
                failures.append((user, track))

    threads = [threading.Thread(target=listen, args=(f"c{i}",)) for i in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_a_killed_redis_costs_no_answer_and_comes_back(server: Running) -> None:
    (pid,) = server.children("redis-server")
    os.kill(pid, signal.SIGKILL)
    answers = [server.ask(URL) for _ in range(20)]
    assert {status for status, _, _ in answers} == {200}
    wait_until(lambda: server.children("redis-server") not in ([], [pid]))
    wait_until(lambda: server.ask(URL)[1]["cache"] == "hit")
    assert "The embedded Redis ended with status -9" in server.log.read_text()


def test_a_killed_worker_is_replaced(server: Running) -> None:
    victim = max(server.children("api.server.web"))
    os.kill(victim, signal.SIGKILL)
    wait_until(lambda: len(server.children("api.server.web")) == 3)
    wait_until(lambda: victim not in server.children("api.server.web"))
    assert {server.ask(URL)[0] for _ in range(10)} == {200}


def test_a_new_bundle_is_served_without_a_restart(server: Running, home: Home) -> None:
    registry = BundleRegistry(home.bundles)
    catalog = registry.open_current().contents.catalog
    old = registry.current_id()
    new = registry.publish(write_bundle(home.bundles, make_contents(catalog, seed=5)))
    seen = []

    def everywhere() -> bool:
        answers = [server.ask(URL) for _ in range(10)]
        assert {status for status, _, _ in answers} == {200}
        seen.extend(body["bundle"] for _, body, _ in answers)
        return {body["bundle"] for _, body, _ in answers} == {new}

    wait_until(everywhere)
    assert set(seen) <= {old, new}
    # A broken one is refused, and said once a worker; the good one stays: the new one, or the old
    # one in a worker that nobody has asked since.
    broken = write_bundle(home.bundles, make_contents(catalog, seed=6))
    (home.bundles / broken / "plays.npy").write_bytes(b"x")
    registry._point([*registry.published(), broken])
    wait_until(lambda: (server.ask(URL), "is corrupt" in server.log.read_text())[1])
    served = {server.ask(URL)[1]["bundle"] for _ in range(10)}
    registry.publish(new)
    assert served <= {old, new}
    wait_until(everywhere)


def test_it_ends_without_a_trace(server: Running, home: Home) -> None:
    # The last test with this server.
    wait_until(lambda: len(descendants(server.process.pid)) == 4)
    family = descendants(server.process.pid)
    assert server.stop(signal.SIGTERM) == 0
    wait_until(lambda: not alive(family), within=10)
    assert [p.name for p in home.redis.iterdir()] == ["redis.log"]
    assert "Traceback" not in server.log.read_text()


def test_it_ends_with_ctrl_c(home: Home, tmp_path: Path) -> None:
    with running(home.root, tmp_path) as server:
        family = descendants(server.process.pid)
        assert server.stop(signal.SIGINT) == 0
        wait_until(lambda: not alive(family), within=10)
        assert server.log.read_text() == ""


def test_nothing_outlives_a_killed_server(home: Home, tmp_path: Path) -> None:
    with running(home.root, tmp_path) as server:
        wait_until(lambda: len(descendants(server.process.pid)) == 4)
        family = descendants(server.process.pid)
        assert server.stop(signal.SIGKILL) == -signal.SIGKILL
        wait_until(lambda: not alive(family), within=20)


def test_a_corrupt_bundle_is_one_line(template: Home, tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    copy_home(template, home)
    current = BundleRegistry(home.bundles).current_id()
    assert current is not None
    damaged = home.bundles / current / "plays.npy"
    content = bytearray(damaged.read_bytes())
    content[-1] ^= 1
    damaged.write_bytes(content)
    with pytest.raises(SegueError, match=r"not ready: Bundle .* is corrupt: plays\.npy"):
        serve(home, Settings(), host="127.0.0.1", port=0, workers=1)


def test_no_bundle_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="segue train"):
        serve(Home(tmp_path), Settings(), host="127.0.0.1", port=0, workers=1)


def test_a_port_in_use_is_one_line(template: Home) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SegueError, match=f"Port {port} of 127.0.0.1 is in use"):
            serve(template, Settings(), host="127.0.0.1", port=port, workers=1)


def test_an_address_of_somebody_else_is_one_line(template: Home) -> None:
    for host in ("192.0.2.1", "no such host"):
        with pytest.raises(ParameterError, match=f"cannot listen on {host}"):
            serve(template, Settings(), host=host, port=0, workers=1)
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    assert subprocess.run(["true"], check=False).returncode == 0
