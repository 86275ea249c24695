"""`GET /v1/tracks/{track_id}/listeners`."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.api.conftest import World
from tests.api.test_lookup import open_again
from tests.api.test_problems import check_problem
from tests.api.test_tracks import add_track


def listeners(world: World, track_id: str, query: str = "") -> list[str]:
    body = world.client.get(f"/v1/tracks/{track_id}/listeners{query}").get_json()
    return [item["user_id"] for item in body["items"]]


def test_of_a_played_track(world: World) -> None:
    body = world.client.get("/v1/tracks/t05/listeners?n=4").get_json()
    assert body["by"] == "plays"
    assert body["bundle"] == world.registry.current_id()
    scores = [item["score"] for item in body["items"]]
    assert scores == sorted(scores, reverse=True)
    assert len({item["user_id"] for item in body["items"]} & {f"u{i}" for i in range(6)}) == 4


def test_of_a_track_that_nobody_played(world: World) -> None:
    body = world.client.get("/v1/tracks/t11/listeners").get_json()
    assert body["by"] == "sound"
    assert len(body["items"]) == 6


def test_who_played_it_is_left_out(world: World) -> None:
    assert set(listeners(world, "t00")) == {f"u{i}" for i in range(1, 6)}  # u0 has
    assert len(listeners(world, "t00", "?exclude_played=false")) == 6
    world.play("u4", "t00")
    assert "u4" not in listeners(world, "t00")


@pytest.mark.parametrize("track_id", ["t05", "t11"])
def test_who_refused_it_is_always_left_out(world: World, track_id: str) -> None:
    world.play("u2", track_id, event="dislike")
    world.play("u3", track_id, event="hide")
    for query in ("", "?exclude_played=false"):
        assert set(listeners(world, track_id, query)) == {"u0", "u1", "u4", "u5"}


def test_of_a_track_of_which_nothing_is_known(world: World) -> None:
    contents = world.services.models.get().bundle.contents
    silent = contents.listeners.copy()
    silent[contents.catalog.tracks.index("t10")] = 0  # it has no embedding
    world.publish(replace(contents, listeners=silent))
    body = open_again(world).client.get("/v1/tracks/t10/listeners").get_json()
    assert (body["by"], body["items"]) == (None, [])


def test_a_bundle_without_plays_says_so(world: World) -> None:
    contents = world.services.models.get().bundle.contents
    world.publish(replace(contents, behaviour=None))
    body = check_problem(open_again(world).client.get("/v1/tracks/t00/listeners"), 409)
    assert body["type"] == "urn:segue:conflict"
    assert "segue train" in str(body["detail"])


def test_unknown_tracks(world: World) -> None:
    body = check_problem(world.client.get("/v1/tracks/nope/listeners"), 404)
    assert body["type"] == "urn:segue:unknown-track"
    add_track(world, "new")
    late = check_problem(world.client.get("/v1/tracks/new/listeners"), 404)
    assert "came after the current bundle" in str(late["detail"])


@pytest.mark.parametrize("query", ["n=0", "n=1001", "by=sound", "exclude_played=perhaps"])
def test_wrong_parameters(world: World, query: str) -> None:
    body = check_problem(world.client.get(f"/v1/tracks/t00/listeners?{query}"), 422)
    assert query.partition("=")[0] in str(body["detail"])
