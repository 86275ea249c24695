from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

import pandas as pd
import pytest

from tests.api.conftest import AWKWARD, World
from tests.api.test_problems import check_problem


def add_track(world: World, track_id: str, **fields: object) -> None:
    world.store.put_tracks([pd.DataFrame([{"track_id": track_id, **fields}])])


def test_the_catalogue_is_walked_page_by_page(world: World) -> None:
    seen: list[str] = []
    after = ""
    while True:
        body = world.client.get(f"/v1/tracks?limit=5{after}").get_json()
        assert len(body["items"]) <= 5
        seen += [track["track_id"] for track in body["items"]]
        if body["next"] is None:
            break
        after = f"&after={quote(body['next'], safe='')}"
    assert len(seen) == len(set(seen)) == 18
    assert set(AWKWARD) < set(seen)


def test_search(world: World) -> None:
    def found(q: str) -> list[str]:
        body = world.client.get("/v1/tracks", query_string={"q": q}).get_json()
        return [track["track_id"] for track in body["items"]]

    assert found("track 7") == ["t07"]
    assert "t03" in found("ARTIST 3")
    assert found("东京") == []
    assert found("東京") == ["ünï 東京"]
    assert found("%") == ["a%2Fb"]


def test_one_track(world: World) -> None:
    body = world.client.get("/v1/tracks/t00").get_json()
    assert body == {
        "track_id": "t00",
        "title": "Track 0",
        "artist": "Artist 0",
        "album": None,
        "genre": "Loud|Rock",
        "released_at": "2001-05-04",
        "license": None,
        "audio": "/v1/tracks/t00/audio",
    }


def test_where_files_lie_is_not_told(world: World) -> None:
    for path in ("/v1/tracks/t00", "/v1/tracks"):
        assert str(world.home.root) not in world.client.get(path).text


@pytest.mark.parametrize("track_id", AWKWARD)
def test_awkward_ids(world: World, track_id: str) -> None:
    path = f"/v1/tracks/{quote(track_id, safe='')}"
    assert world.client.get(path).get_json()["track_id"] == track_id
    similar = world.client.get(f"{path}/similar?n=3").get_json()["items"]
    assert len(similar) == 3
    assert track_id not in [item["track_id"] for item in similar]
    assert world.client.get(f"{path}/listeners").status_code == 200


def test_unknown_tracks(world: World) -> None:
    for path in ("", "/similar", "/listeners", "/audio"):
        body = check_problem(world.client.get(f"/v1/tracks/nope{path}"), 404)
        assert body["type"] == "urn:segue:unknown-track"
        assert "'nope'" in str(body["detail"])
    assert "`track_id`" in str(check_problem(world.client.get("/v1/tracks/" + "x" * 300), 422))


def test_a_track_that_is_newer_than_the_bundle(world: World) -> None:
    add_track(world, "new")
    assert world.client.get("/v1/tracks/new").status_code == 200
    body = check_problem(world.client.get("/v1/tracks/new/similar"), 404)
    assert "segue train" in str(body["detail"])


def test_similar_by_either_signal(world: World) -> None:
    for by, source in (("audio", "audio"), ("listeners", "cf")):
        items = world.client.get(f"/v1/tracks/t00/similar?by={by}&n=5").get_json()["items"]
        assert [item["sources"] for item in items] == [[source]] * 5
    both = world.client.get("/v1/tracks/t00/similar?n=17").get_json()
    assert {s for item in both["items"] for s in item["sources"]} == {"audio", "cf"}
    assert both["bundle"] == world.registry.current_id()


def test_similar_where_nothing_is_known(world: World) -> None:
    assert "no embedding" in str(
        check_problem(world.client.get("/v1/tracks/t10/similar?by=audio"), 422)
    )
    assert "no plays" in str(
        check_problem(world.client.get("/v1/tracks/t11/similar?by=listeners"), 422)
    )
    assert world.client.get("/v1/tracks/t10/similar").status_code == 200
    check_problem(world.client.get("/v1/tracks/t00/similar?by=magic"), 422)


def test_listeners(world: World) -> None:
    body = world.client.get("/v1/tracks/t00/listeners?n=4").get_json()
    scores = [item["score"] for item in body["items"]]
    assert len(scores) == 4
    assert scores == sorted(scores, reverse=True)
    assert {item["user_id"] for item in body["items"]} <= {f"u{i}" for i in range(6)}
    unplayed = world.client.get("/v1/tracks/t11/listeners").get_json()["items"]
    assert len(unplayed) == 6  # by its sound


def test_audio_whole_and_in_ranges(world: World) -> None:
    content = (world.home.root / "t00.wav").read_bytes()
    with world.client.get("/v1/tracks/t00/audio") as whole:
        assert whole.data == content
        assert whole.mimetype.startswith("audio/")
        assert whole.headers["Accept-Ranges"] == "bytes"
        etag = whole.headers["ETag"]
    with world.client.get("/v1/tracks/t00/audio", headers={"Range": "bytes=100-199"}) as part:
        assert part.status_code == 206
        assert part.data == content[100:200]
        assert part.headers["Content-Range"] == f"bytes 100-199/{len(content)}"
    with world.client.get("/v1/tracks/t00/audio", headers={"If-None-Match": etag}) as same:
        assert same.status_code == 304
    with world.client.get("/v1/tracks/t00/audio", headers={"Range": "bytes=99999999-"}) as beyond:
        check_problem(beyond, 416)


def test_only_sound_files_that_are_there_are_served(world: World, tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("secret")
    directory = tmp_path / "folder.mp3"
    directory.mkdir()
    add_track(world, "text", audio_path=str(secret))
    add_track(world, "folder", audio_path=str(directory))
    add_track(world, "gone", audio_path=str(tmp_path / "gone.mp3"))
    add_track(world, "relative", audio_path="../../t00.wav")
    for track_id in ("text", "folder", "gone", "relative", "t01"):
        response = world.client.get(f"/v1/tracks/{track_id}/audio")
        assert check_problem(response, 404)["type"] == "urn:segue:no-audio"


def test_users_are_listed_by_prefix(world: World) -> None:
    world.play("other", "t00")
    body = world.client.get("/v1/users?prefix=u").get_json()
    assert body == {"items": [{"user_id": "u0"}, {"user_id": "u1"}], "next": None}
    first = world.client.get("/v1/users?limit=2").get_json()
    second = world.client.get(f"/v1/users?limit=2&after={first['next']}").get_json()
    assert [u["user_id"] for u in first["items"] + second["items"]] == ["other", "u0", "u1"]
    assert second["next"] is None
    check_problem(world.client.get("/v1/users?limit=0"), 422)
