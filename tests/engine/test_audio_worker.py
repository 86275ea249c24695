from __future__ import annotations

import io
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from audio_model.encoder import Heard
from audio_model.keras_encoder import KerasEncoder
from data import AudioError, SegueError
from engine.audio_client import AudioClient, AudioWorkerUnavailable
from engine.audio_wire import pack_heard, receive, send, unpack_heard
from tests.engine.sounds import TINY, chord


def test_a_message_survives_the_wire() -> None:
    stream = io.BytesIO()
    send(stream, {"op": "embed", "name": "Nächte"}, b"\x00\xffbody")
    stream.seek(0)
    header, body = receive(stream)
    assert header == {"op": "embed", "name": "Nächte", "size": 6}
    assert body == b"\x00\xffbody"


@pytest.mark.parametrize(("chunks", "words"), [(1, 0), (3, 5)])
def test_what_was_heard_survives_the_wire(chunks: int, words: int) -> None:
    rng = np.random.default_rng(0)
    heard = Heard(
        rng.normal(size=7).astype(np.float32),
        rng.normal(size=(chunks, 7)).astype(np.float16),
        rng.integers(0, 2**32, words, dtype=np.uint32),
    )
    header, body = pack_heard(heard)
    found = unpack_heard(header, body)
    for name in ("embedding", "segments", "recording"):
        before, after = getattr(heard, name), getattr(found, name)
        np.testing.assert_array_equal(after, before)
        assert after.dtype == before.dtype
    with pytest.raises(ValueError, match="are not"):
        unpack_heard(header, body + b"\0")


@pytest.mark.parametrize("cut", [0, 2, 6, 30])
def test_a_broken_message_is_an_error(cut: int) -> None:
    stream = io.BytesIO()
    send(stream, {"op": "ping"}, b"x" * 20)
    with pytest.raises(SegueError, match="hung up"):
        receive(io.BytesIO(stream.getvalue()[:cut]))


def test_an_oversized_header_is_refused() -> None:
    with pytest.raises(SegueError, match="oversized"):
        receive(io.BytesIO(b"\xff\xff\xff\xff{}"))


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("encoder")
    KerasEncoder.untrained(TINY).save(directory)
    return directory


@pytest.fixture(scope="module")
def client(encoder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AudioClient]:
    path = tmp_path_factory.mktemp("socket") / "audio.sock"
    command = [sys.executable, "-m", "engine.audio_worker", "--socket", str(path)]
    worker = subprocess.Popen([*command, "--encoder", str(encoder)], stdin=subprocess.PIPE)
    found = AudioClient(path)
    end = time.monotonic() + 60
    while not found.ping():
        assert worker.poll() is None
        assert time.monotonic() < end
        time.sleep(0.1)
    yield found
    assert worker.stdin is not None
    worker.stdin.close()  # as when the server that started it dies
    assert worker.wait(timeout=10) == 0
    assert not found.ping()


def test_the_worker_embeds_as_the_encoder_does(
    client: AudioClient, encoder: Path, tmp_path: Path
) -> None:
    file = chord(tmp_path / "a chord, übung.wav", base=220)
    heard = client.hear(file.read_bytes(), encoder=encoder)
    expected = KerasEncoder.load(encoder).hear_file(file)
    np.testing.assert_allclose(heard.embedding, expected.embedding, atol=1e-5)
    np.testing.assert_allclose(heard.segments, expected.segments, atol=1e-3)
    np.testing.assert_array_equal(heard.recording, expected.recording)
    assert len(heard.segments) > 1


def test_a_bad_file_is_an_audio_error_and_the_worker_goes_on(
    client: AudioClient, encoder: Path, tmp_path: Path
) -> None:
    with pytest.raises(AudioError, match="upload"):
        client.hear(b"this is no music", encoder=encoder)
    good = chord(tmp_path / "good.wav", base=220).read_bytes()
    assert client.hear(good, encoder=encoder).embedding.ndim == 1


def test_a_missing_encoder_is_an_error(client: AudioClient, tmp_path: Path) -> None:
    with pytest.raises(SegueError, match="no encoder"):
        client.hear(b"x", encoder=tmp_path / "nothing")


def test_many_ask_at_once(client: AudioClient, encoder: Path, tmp_path: Path) -> None:
    files = [chord(tmp_path / f"{i}.wav", base=110.0 * (i + 1)).read_bytes() for i in range(6)]
    with ThreadPoolExecutor(6) as pool:
        heard = list(pool.map(lambda audio: client.hear(audio, encoder=encoder), files))
    vectors = [h.embedding for h in heard]
    alone = [client.hear(audio, encoder=encoder).embedding for audio in files]
    np.testing.assert_allclose(vectors, alone, atol=1e-6)


def test_no_worker_is_said_so(tmp_path: Path) -> None:
    client = AudioClient(tmp_path / "nobody.sock")
    assert not client.ping()
    with pytest.raises(AudioWorkerUnavailable, match="try again"):
        client.hear(b"x", encoder=tmp_path)
