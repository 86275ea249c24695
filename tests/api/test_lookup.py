"""Look-ups that end before anything is heard; `test_hearing` has the others."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import pytest

from tests.api.conftest import World, make_contents
from tests.api.test_problems import check_problem


def form(content: bytes = b"RIFF", **fields: object) -> dict[str, object]:
    return {"file": (io.BytesIO(content), "song.wav"), **fields}


@pytest.fixture
def hearing(world: World, tmp_path: Path) -> World:
    """A bundle that has an encoder, so that only the worker is missing."""
    encoder = tmp_path / "encoder"
    encoder.mkdir()
    (encoder / "weights").write_bytes(b"x")
    catalog = world.services.models.get().bundle.contents.catalog
    world.publish(make_contents(catalog, encoder=encoder))
    return world


def open_again(world: World) -> World:
    """Let the next request open the current bundle."""
    from engine.live import LiveModels

    models = LiveModels(world.registry, world.services.settings)
    services = replace(world.services, models=models)
    world.client.application.extensions["segue"] = services
    return World(world.home, services, world.client)


def test_a_bundle_without_an_encoder_says_so(world: World) -> None:
    body = check_problem(world.client.post("/v1/lookup", data=form()), 409)
    assert "imported" in str(body["detail"])
    assert body["type"] == "urn:segue:conflict"


def test_a_bundle_without_embeddings_says_so(world: World) -> None:
    contents = world.services.models.get().bundle.contents
    world.publish(replace(contents, acoustic=None))
    body = check_problem(open_again(world).client.post("/v1/lookup", data=form()), 409)
    assert "no embeddings" in str(body["detail"])


def test_a_worker_that_is_down(hearing: World) -> None:
    client = open_again(hearing).client
    response = client.post("/v1/lookup", data=form())
    body = check_problem(response, 503)
    assert body["type"] == "urn:segue:audio-worker-unavailable"
    assert int(response.headers["Retry-After"]) >= 1
    assert client.get("/readyz").get_json()["audio"] == "down"


def test_forms_that_are_wrong(hearing: World) -> None:
    client = open_again(hearing).client
    for data, part in (
        ({"n": "3"}, "`file` is required"),
        ({"file": "text"}, "`file` must be a file. Received: 'text'."),
        ({**form(), "n": (io.BytesIO(b"a"), "a.wav")}, "`n` must be a valid integer. Received: a"),
        (form(b""), "`file` is empty"),
        (form(n="0"), "`n`"),
        (form(m="1"), "`m` is not a parameter here"),
        ({"file": [(io.BytesIO(b"a"), "a.wav"), (io.BytesIO(b"b"), "b.wav")]}, "once only"),
    ):
        response = client.post("/v1/lookup", data=data, content_type="multipart/form-data")
        assert part in str(check_problem(response, 422)["detail"])
    assert "`n`" in str(check_problem(client.post("/v1/lookup?n=0", data=form()), 422)["detail"])
    for body in ({"json": {}}, {"data": b"RIFF", "content_type": "audio/wav"}, {}):
        assert "multipart" in str(check_problem(client.post("/v1/lookup", **body), 415)["detail"])


def test_a_file_that_is_too_large(hearing: World) -> None:
    client = open_again(hearing).client
    for size in (200_001, 300_000):
        body = check_problem(client.post("/v1/lookup", data=form(b"x" * size)), 413)
        assert body["detail"] == "`file` is larger than 200000 bytes, the most allowed."
    # As large as allowed, it gets as far as the worker.
    check_problem(client.post("/v1/lookup", data=form(b"x" * 200_000)), 503)
