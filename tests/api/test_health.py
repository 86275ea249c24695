from __future__ import annotations

import logging
from collections.abc import Callable

import pytest

from tests.api.conftest import World, own_redis
from tests.api.test_problems import check_problem


def test_ready_names_its_parts(world: World) -> None:
    assert world.client.get("/healthz").get_json() == {"status": "alive"}
    assert world.client.get("/readyz").get_json() == {
        "status": "ready",
        "bundle": world.registry.current_id(),
        "store": "ok",
        "cache": "ok",
        "audio": "off",
    }


def test_the_cache_is_not_required(make_world: Callable[..., World]) -> None:
    assert make_world(url=None).client.get("/readyz").get_json()["cache"] == "off"
    with own_redis() as server:
        world = make_world(url=server.url)
        server.stop()
        response = world.client.get("/readyz")
        assert (response.status_code, response.get_json()["cache"]) == (200, "down")


def test_the_store_is_required(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)
    world.store.close()
    (world.home.root / "segue.db").write_bytes(b"this is no database" * 1000)
    body = check_problem(world.client.get("/readyz"), 503)
    assert body["type"] == "urn:segue:store-unavailable"
    assert "segue.db" not in str(body["detail"])
    assert world.client.get("/healthz").status_code == 200


def test_probes_may_add_parameters(world: World) -> None:
    assert world.client.get("/healthz?probe=1").status_code == 200
    assert world.client.get("/readyz?probe=1").status_code == 200
