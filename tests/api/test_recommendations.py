from __future__ import annotations

import time
from collections.abc import Callable
from urllib.parse import quote

import pandas as pd
import pytest

from api.config import Settings
from api.http.genres import known_genres
from api.http.problems import FieldsError
from api.http.services import Services
from data.catalog import Catalog
from tests.api.conftest import AWKWARD, World, make_contents, own_redis
from tests.api.test_problems import check_problem

URL = "/v1/users/u0/recommendations"


def ids(world: World, url: str) -> list[str]:
    response = world.client.get(url)
    assert response.status_code == 200, response.text
    return [item["track_id"] for item in response.get_json()["items"]]


def test_the_answer_has_the_form_of_the_contract(world: World) -> None:
    body = world.client.get(f"{URL}?n=3").get_json()
    assert body.keys() == {
        "user_id", "items", "bundle", "generated_at", "cache", "fallback", "recommendation_id",
        "experiment", "variant",
    }  # fmt: skip
    assert body["user_id"] == "u0"
    assert body["bundle"] == world.registry.current_id()
    assert body["fallback"] is None
    assert (body["experiment"], body["variant"]) == (None, None)
    assert body["cache"] == "miss"
    assert len(body["items"]) == 3
    for item in body["items"]:
        assert item.keys() == {"track_id", "title", "artist", "score", "sources"}
        assert set(item["sources"]) <= {"cf", "audio", "popular"}


def test_seen_tracks_are_left_out_unless_asked_for(world: World) -> None:
    assert not {"t00", "t02"} & set(ids(world, f"{URL}?n=100"))
    assert {"t00", "t02"} <= set(ids(world, f"{URL}?n=100&exclude_seen=false"))


def test_a_hit_differs_in_one_word(world: World) -> None:
    miss = world.client.get(f"{URL}?n=4&explain=true")
    hit = world.client.get(f"{URL}?explain=true&n=4&placement=home")
    assert miss.get_json()["cache"] == "miss"
    assert hit.get_json()["cache"] == "hit"
    assert hit.data == miss.data.replace(b'"cache":"miss"', b'"cache":"hit"')
    assert hit.mimetype == miss.mimetype == "application/json"


def test_no_cache_computes_anew(world: World) -> None:
    kept = world.client.get(URL).get_json()
    for value in ("no-cache", "max-age=0, no-cache", "no-store"):
        fresh = world.client.get(URL, headers={"Cache-Control": value}).get_json()
        assert fresh["cache"] == "bypass"
        assert fresh["generated_at"] != kept["generated_at"]
        assert fresh["items"] == kept["items"]
        assert fresh["recommendation_id"] == kept["recommendation_id"]
    assert world.client.get(URL).get_json()["cache"] == "hit"


def test_a_hit_touches_no_model(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.client.get(URL)

    def never(*_: object) -> None:
        raise AssertionError("A model was asked.")

    recommender = world.services.models.get().recommender
    monkeypatch.setattr(type(recommender), "recommend", never)
    monkeypatch.setattr(type(world.store), "history", never)
    assert world.client.get(URL).get_json()["cache"] == "hit"


def test_an_event_makes_the_next_answer_new(world: World) -> None:
    before = world.client.get(URL).get_json()
    other = world.client.get("/v1/users/u1/recommendations").get_json()
    played = before["items"][0]["track_id"]
    event = {"user_id": "u0", "track_id": played, "event": "hide"}
    assert world.client.post("/v1/events", json={"events": [event]}).status_code == 202
    after = world.client.get(URL).get_json()
    assert after["cache"] == "miss"
    assert after["recommendation_id"] != before["recommendation_id"]
    assert played not in [item["track_id"] for item in after["items"]]
    again = world.client.get("/v1/users/u1/recommendations").get_json()
    assert again["cache"] == "hit"
    assert again["recommendation_id"] == other["recommendation_id"]


def test_a_new_bundle_makes_every_answer_new(world: World) -> None:
    first = world.client.get(URL).get_json()
    contents = world.services.models.get().bundle.contents
    bundle = world.publish(make_contents(contents.catalog, seed=1))
    for _ in range(100):
        if world.services.models.get().bundle.id == bundle:
            break
        time.sleep(0.05)
    second = world.client.get(URL).get_json()
    assert second["bundle"] == bundle != first["bundle"]
    assert second["cache"] == "miss"


@pytest.mark.parametrize("user_id", ["nobody", *AWKWARD])
def test_unknown_users_get_what_is_popular(world: World, user_id: str) -> None:
    url = f"/v1/users/{quote(user_id, safe='')}/recommendations?n=3"
    body = world.client.get(url).get_json()
    assert body["user_id"] == user_id
    assert body["fallback"] == "popular"
    assert [item["track_id"] for item in body["items"]] == ids(world, "/v1/popular?n=3")


def test_users_with_awkward_ids_are_told_apart(world: World) -> None:
    for user_id in AWKWARD:
        world.play(user_id, "t04")
        url = f"/v1/users/{quote(user_id, safe='')}/recommendations?n=100"
        assert "t04" not in ids(world, url)
    assert "t04" in ids(world, "/v1/users/a/recommendations?n=100")


@pytest.mark.parametrize("user_id", ["x" * 257, "%FF", "a%00b"])
def test_ids_that_are_none(world: World, user_id: str) -> None:
    body = check_problem(world.client.get(f"/v1/users/{user_id}/recommendations"), 422)
    assert "`user_id`" in str(body["detail"])


def test_options_reach_the_recommender(world: World) -> None:
    quiet = ids(world, f"{URL}?genre=QUIET&n=100")
    assert quiet
    assert all(int(t[1:]) % 2 for t in quiet if t[0] == "t")
    capped = world.client.get(f"{URL}?n=4&artist_cap=1").get_json()["items"]
    assert len({item["artist"] for item in capped}) == 4
    popular = world.client.get(f"{URL}?strategy=popular&n=5").get_json()
    assert {s for item in popular["items"] for s in item["sources"]} == {"popular"}
    assert ids(world, f"{URL}?diversity=1&n=10") != ids(world, f"{URL}?diversity=0&n=10")
    assert len(ids(world, f"{URL}?n=1")) == 1


def test_explained_items_have_reasons(world: World) -> None:
    items = world.client.get(f"{URL}?explain=true&n=3").get_json()["items"]
    for item in items:
        reasons = item["reasons"]
        assert reasons.keys() == {"text", "because", "sound", "behaviour", "popularity", "rule"}
        assert {b["track_id"] for b in reasons["because"]} <= {"t00", "t02"}


def test_unknown_parameters_and_genres_are_named(world: World) -> None:
    assert "`limit`" in str(check_problem(world.client.get(f"{URL}?limit=3"), 422)["detail"])
    for url in (URL, "/v1/popular"):
        body = check_problem(world.client.get(f"{url}?genre=rock|Polka&genre=ska"), 422)
        assert body["errors"] == [
            {
                "field": "genre",
                "detail": "`genre` must be a genre of the catalogue (loud, quiet, rock). "
                f"Received: {genre!r}.",
            }
            for genre in ("Polka", "ska")
        ]


def test_without_a_cache_every_answer_is_computed(make_world: Callable[..., World]) -> None:
    world = make_world(url=None)
    assert [world.client.get(URL).get_json()["cache"] for _ in range(2)] == ["bypass", "bypass"]


def test_losing_redis_costs_no_answer(make_world: Callable[..., World]) -> None:
    with own_redis() as server:
        world = make_world(url=server.url)
        first = world.client.get(URL).get_json()
        assert world.client.get(URL).get_json()["cache"] == "hit"
        server.stop()
        for _ in range(3):
            response = world.client.get(URL)
            assert response.status_code == 200
            assert response.get_json()["cache"] == "miss"
            assert response.get_json()["items"] == first["items"]


def test_settings_of_the_blend_are_part_of_the_key(world: World, settings: Settings) -> None:
    def fingerprint(settings: Settings) -> str:
        socket = world.home.root / "a.sock"
        services = Services.open(world.home, settings, redis_url=None, audio_socket=socket)
        services.close()
        return services.fingerprint

    ranker = settings.ranker.model_copy(update={"weight_audio": 9.0})
    api = settings.api.model_copy(update={"port": 9})
    assert fingerprint(settings.model_copy(update={"ranker": ranker})) != fingerprint(settings)
    assert fingerprint(settings.model_copy(update={"api": api})) == fingerprint(settings)


# --- anonymous ---------------------------------------------------------------------------------


def post(world: World, **body: object) -> dict[str, object]:
    response = world.client.post("/v1/recommendations", json=body)
    assert response.status_code == 200, response.text
    return dict(response.get_json())


def tracks(body: dict[str, object]) -> list[str]:
    return [item["track_id"] for item in body["items"]]  # type: ignore[attr-defined]


def test_seeds_count_as_played(world: World) -> None:
    body = post(world, seed_tracks=["t00", "t02"], n=100)
    assert body["user_id"] is None
    assert body["fallback"] is None
    assert not {"t00", "t02"} & set(tracks(body))
    # u0 played the same two tracks, once each.
    assert tracks(body) == ids(world, f"{URL}?n=100")
    assert {"t00", "t02"} <= set(
        tracks(post(world, seed_tracks=["t00", "t02"], n=100, exclude_seen=False))
    )


def test_unknown_genres_of_a_body_are_named_where_they_stand(world: World) -> None:
    sent = {"genres": ["quiet", "", "Polka"]}
    body = check_problem(world.client.post("/v1/recommendations", json=sent), 422)
    detail = "`genres[2]` must be a genre of the catalogue (loud, quiet, rock). Received: 'Polka'."
    assert body["detail"] == detail
    assert body["errors"] == [{"field": "genres[2]", "detail": detail}]


def test_a_long_list_of_genres_is_cut() -> None:
    frame = pd.DataFrame({"track_id": ["t"], "genre": ["|".join("abcdefghi")]})
    with pytest.raises(FieldsError, match=r"\(a, b, c, d, e, f, g, h, \.\.\.\)"):
        known_genres(["x"], Catalog.from_frame(frame), field="genre")


def test_disliked_tracks_and_genres(world: World) -> None:
    body = post(world, disliked_tracks=["t01", "t01"], genres=["Quiet"], n=100)
    assert body["fallback"] is None  # the genre stands for plays, so all signals speak
    assert "t01" not in tracks(body)
    assert all(int(t[1:]) % 2 for t in tracks(body) if t[0] == "t")


def test_anonymous_answers_are_kept_too(world: World) -> None:
    first, second = post(world, seed_tracks=["t04"]), post(world, seed_tracks=["t04"])
    assert (first["cache"], second["cache"]) == ("miss", "hit")
    assert post(world, seed_tracks=["t05"])["recommendation_id"] != first["recommendation_id"]
    assert post(world)["fallback"] == "popular"


@pytest.mark.parametrize(
    ("body", "part"),
    [
        ({"seed_tracks": ["t00", "nope"]}, "`seed_tracks[1]` must be a track"),
        ({"disliked_tracks": ["nope"]}, "'nope'"),
        ({"seed_tracks": "t00"}, "`seed_tracks`"),
        ({"seed_tracks": [7]}, "`seed_tracks[0]`"),
        ({"seed_tracks": [""]}, "`seed_tracks[0]` is empty"),
        ({"n": "5"}, "`n`"),
        ({"n": 0}, "`n`"),
        ({"artist_cap": 1001}, "`artist_cap` must be less than or equal to 1000"),
        ({"genres": ["polka"]}, "'polka'"),
        ({"seeds": []}, "`seeds` is not a parameter here"),
        ([], "object"),
    ],
)
def test_wrong_bodies_are_named(world: World, body: object, part: str) -> None:
    found = check_problem(world.client.post("/v1/recommendations", json=body), 422)
    assert part in str(found["detail"])


def test_a_query_does_not_go_with_a_body(world: World) -> None:
    response = world.client.post("/v1/recommendations?n=3", json={})
    assert "`n`" in str(check_problem(response, 422)["detail"])
