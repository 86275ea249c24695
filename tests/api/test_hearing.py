"""Look-ups end to end, with an untrained encoder: the only tests of this room with TensorFlow."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from data.catalog import Catalog
from data.config import DataConfig
from data.store import Store
from engine.bundle import Acoustic, BundleContents, BundleRegistry, Segments, write_bundle
from engine.home import Home
from tests.api.conftest import copy_home, make_contents
from tests.api.running import Running, running, wait_until

# In a process of its own: TensorFlow is never imported into this one.
ENCODER = """
import sys
from pathlib import Path
from audio_model.config import AudioConfig
from audio_model.keras_encoder import KerasEncoder

encoder = KerasEncoder.untrained(AudioConfig())
encoder.save(Path(sys.argv[1]))
print(encoder.dim)
"""


@pytest.fixture(scope="module")
def server(template: Home, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    root = tmp_path_factory.mktemp("hearing")
    encoder = root / "encoder"
    made = subprocess.run(
        [sys.executable, "-c", ENCODER, str(encoder)], check=True, capture_output=True, text=True
    )
    home = Home(root / "home")
    copy_home(template, home)
    with Store.open(DataConfig().url(home.root)) as store:
        contents = hearing(store.load_catalog(), encoder, int(made.stdout.split()[-1]))
    registry = BundleRegistry(home.bundles)
    with running(home.root, root) as server:
        # The worker is started when a bundle needs it, also while the server runs.
        assert not server.children("engine.audio_worker")
        registry.publish(write_bundle(home.bundles, contents))
        wait_until(lambda: server.ask("/readyz")[1]["audio"] == "ok", within=60)
        yield server


def hearing(catalog: Catalog, encoder: Path, width: int) -> BundleContents:
    contents = make_contents(catalog, encoder=encoder)
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(len(catalog), width)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    known = np.ones(len(catalog), bool)
    # Each track is one chunk, which sounds like the whole.
    segments = Segments(vectors.astype(np.float16), np.arange(len(catalog) + 1), 3.0)
    parts = {k: v for k, v in vars(contents).items() if k != "acoustic"}
    acoustic = Acoustic("untrained", vectors, known, encoder, segments)
    return BundleContents(**parts, acoustic=acoustic)


def upload(server: Running, content: bytes, *, n: int = 3) -> tuple[int, dict[str, object], str]:
    parts = [
        f'--b\r\nContent-Disposition: form-data; name="n"\r\n\r\n{n}\r\n'.encode(),
        b'--b\r\nContent-Disposition: form-data; name="file"; filename="song.wav"\r\n\r\n',
        content + b"\r\n--b--\r\n",
    ]
    kind = {"Content-Type": "multipart/form-data; boundary=b"}
    status, body, headers = server.ask("/v1/lookup", b"".join(parts), headers=kind)
    return status, body, headers.get("Retry-After", "")


@pytest.fixture(scope="module")
def song(template: Home) -> bytes:
    return (template.root / "t00.wav").read_bytes()


def test_a_sound_file_finds_tracks_and_listeners(server: Running, song: bytes) -> None:
    status, body, _ = upload(server, song)
    assert status == 200, body
    items, listeners = body["items"], body["listeners"]
    assert isinstance(items, list)
    assert isinstance(listeners, list)
    assert len(items) == len(listeners) == 3
    assert [item["sources"] for item in items] == [["audio"]] * 3
    assert items == sorted(items, key=lambda item: -item["score"])
    # The tone lasts a second: one chunk, looped, which is all of it.
    for item in items:
        assert item["score"] > 0
        assert [{**s, "similarity": 0} for s in item["segments"]] == [
            {"from": 0.0, "to": 3.0, "item_from": 0.0, "item_to": 3.0, "similarity": 0}
        ]
        assert item["segments"][0]["similarity"] == pytest.approx(item["score"], abs=2e-3)
    assert {listener["user_id"] for listener in listeners} <= {f"u{i}" for i in range(6)}
    again = upload(server, song)[1]
    assert again["items"] == items


@pytest.mark.parametrize(
    "content", [b"this is a text, whatever its name says", b"RIFF" + bytes(100)]
)
def test_what_is_no_sound_is_refused_in_words(server: Running, content: bytes) -> None:
    status, body, _ = upload(server, content)
    assert status == 422
    assert body["type"] == "urn:segue:unusable-audio"
    assert "\n" not in str(body["detail"])
    assert "Traceback" not in str(body)


def test_a_killed_worker_is_missed_for_a_moment_only(server: Running, song: bytes) -> None:
    (pid,) = server.children("engine.audio_worker")
    os.kill(pid, signal.SIGKILL)
    status, body, retry_after = upload(server, song)
    assert status == 503
    assert body["type"] == "urn:segue:audio-worker-unavailable"
    assert int(retry_after) >= 1
    assert server.ask("/v1/users/u0/recommendations")[0] == 200
    wait_until(lambda: upload(server, song)[0] == 200, within=60)
    assert pid not in server.children("engine.audio_worker")


def test_the_worker_ends_with_the_server(server: Running) -> None:
    # The last test with this server.
    workers = server.children("engine.audio_worker")
    assert len(workers) == 1
    server.stop(signal.SIGKILL)
    wait_until(lambda: not Path(f"/proc/{workers[0]}/exe").exists(), within=10)
