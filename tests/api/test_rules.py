"""Rules over HTTP: from the settings, with a request, and what `dry_run` tells."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as quick
from hypothesis import strategies as st

from api.config import Settings
from api.http.app import create_app
from engine.live import LiveModels
from ranker.rules import lists
from tests.api.conftest import World
from tests.api.test_problems import check_problem
from tests.ranker.rules.plain import parse, rules

URL = "/v1/users/u0/recommendations"
ANONYMOUS = "/v1/recommendations"

Ruled = Callable[..., World]


@pytest.fixture
def ruled(world: World) -> Ruled:
    """Serve the world's home by rules of the settings."""

    def make(*written: dict[str, Any]) -> World:
        here = world.services
        sections = Settings(api=here.settings.api, rules=parse(*written))
        services = replace(here, settings=sections, models=LiveModels(world.registry, sections))
        return World(world.home, services, create_app(services).test_client())

    return make


def get(world: World, query: str = "") -> dict[str, Any]:
    response = world.client.get(f"{URL}?{query}")
    assert response.status_code == 200, response.text
    return response.get_json()  # type: ignore[no-any-return]


def ids(answer: dict[str, Any]) -> list[str]:
    return [item["track_id"] for item in answer["items"]]


def test_rules_of_the_settings_hold_for_every_answer(ruled: Ruled) -> None:
    world = ruled({"kind": "filter", "where": {"genre": "rock"}})
    found = ids(get(world, "n=100"))
    assert found
    assert not [t for t in found if t[0] == "t" and int(t[1:]) % 2 == 0]
    seeded = world.client.post(ANONYMOUS, json={"seed_tracks": ["t00"], "n": 100}).get_json()
    assert set(ids(seeded)) == {*found} - {"t00"} | {"t01", "t03"} & {*ids(seeded)}


def test_popular_tracks_heed_no_rules(ruled: Ruled) -> None:
    plain = ruled().client.get("/v1/popular").get_json()["items"]
    world = ruled({"kind": "pin", "track": "t11"}, {"kind": "filter", "where": {"genre": "rock"}})
    assert world.client.get("/v1/popular").get_json()["items"] == plain


def test_a_rule_of_a_placement_counts_there_only(ruled: Ruled) -> None:
    pin = {"kind": "pin", "name": "launch", "track": "t11", "placements": ["home", "radio"]}
    world = ruled(pin)
    plain = get(world, "n=3")
    assert ids(plain)[0] != "t11"
    # A placement that no rule asks for shares its answers with none.
    assert get(world, "n=3&placement=search")["cache"] == "hit"
    home = get(world, "n=3&placement=home&explain=true")
    assert ids(home)[0] == "t11"
    assert home["items"][0]["reasons"]["rule"] == "launch"
    assert home["recommendation_id"] != plain["recommendation_id"]
    body = {"placement": "radio", "n": 3}
    assert ids(world.client.post(ANONYMOUS, json=body).get_json())[0] == "t11"


def test_an_answer_does_not_outlive_the_time_of_a_rule(ruled: Ruled) -> None:
    end = datetime.now(UTC) + timedelta(seconds=1.5)
    world = ruled({"kind": "pin", "track": "t11", "until": end.isoformat()})
    assert ids(get(world, "n=3"))[0] == "t11"
    assert get(world, "n=3")["cache"] == "hit"
    time.sleep(max(0.0, (end - datetime.now(UTC)).total_seconds()))
    after = get(world, "n=3")
    assert after["cache"] == "miss"
    assert ids(after)[0] != "t11"


def test_a_list_that_changes_changes_answers(
    ruled: Ruled, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lists, "CHECK_EVERY", 0.0)
    path = tmp_path / "available.txt"
    path.write_text("t04\nt05\n")
    world = ruled({"kind": "filter", "where": {"listed": str(path)}, "action": "keep"})
    assert set(ids(get(world))) == {"t04", "t05"}
    path.write_text("t06\nt05\nt00\n")
    os.utime(path, (1, 1))
    after = get(world)
    assert after["cache"] == "miss"
    assert set(ids(after)) == {"t05", "t06"}  # t00 was played


def test_dry_run_tells_what_each_rule_did(ruled: Ruled) -> None:
    world = ruled(
        {"kind": "filter", "name": "quiet only", "where": {"genre": "rock"}},
        {"kind": "pin", "track": "t11", "position": 2},
        {"kind": "pin", "name": "gone", "track": ["t04", "nowhere"], "placements": ["home"]},
    )
    plain = get(world, "n=2&placement=home")
    assert "rules" not in plain
    told = get(world, "n=2&dry_run=true&placement=home")
    assert ids(told) == ids(plain)
    names = [(r["name"], r["kind"], r["origin"], r["in_force"]) for r in told["rules"]]
    assert names == [
        ("quiet only", "filter", "settings", True),
        ("pin-2", "pin", "settings", True),
        ("gone", "pin", "settings", True),
    ]
    quiet, pin, gone = told["rules"]
    # All loud tracks but the two that u0 played, and the awkward ones among them.
    loud = [t for t in ids(get(world, "n=100&exclude_seen=false")) if t[0] == "t"]
    assert all(int(t[1:]) % 2 for t in loud)
    assert quiet["removed"] == quiet["matched"] - 2
    assert quiet["removed_tracks"][:4] == sorted(quiet["removed_tracks"])[:4]
    assert {m["track_id"] for m in pin["moves"]} >= {"t11"}
    assert [m["to"] for m in pin["moves"] if m["track_id"] == "t11"] == [2]
    assert gone["unfulfilled"] == [
        "track 't04' is not eligible",
        "track 'nowhere' is not in the bundle",
    ]
    away = get(world, "n=2&dry_run=true")["rules"]
    assert [(r["name"], r["in_force"], r["matched"]) for r in away][-1] == ("gone", False, None)


def test_a_request_brings_rules_of_its_own(ruled: Ruled) -> None:
    world = ruled({"kind": "filter", "where": {"track": ["t05"]}})
    body = {
        "seed_tracks": ["t00"],
        "n": 4,
        "explain": True,
        "dry_run": True,
        "rules": [
            {"kind": "pin", "track": ["t05", "t09"]},
            {"kind": "quota", "where": {"heard": False}, "at_least": 1},
            {"kind": "filter", "where": {"released_before": "2002-06-01"}, "until": "2100-01-01"},
        ],
    }
    response = world.client.post(ANONYMOUS, json=body)
    assert response.status_code == 200, response.text
    answer = response.get_json()
    assert ids(answer)[0] == "t09"  # no request brings back what the settings take out
    assert "t11" in ids(answer)  # the one that nobody played
    assert answer["items"][0]["reasons"]["rule"] == "pin-1"
    assert [r["origin"] for r in answer["rules"]] == ["settings", "request", "request", "request"]
    assert answer["cache"] == "bypass"  # it also tells of rules that are not in force
    body["dry_run"] = False
    assert world.client.post(ANONYMOUS, json=body).get_json()["cache"] == "miss"
    assert world.client.post(ANONYMOUS, json=body).get_json()["cache"] == "hit"
    body["rules"] = body["rules"][:1]  # type: ignore[index]
    assert world.client.post(ANONYMOUS, json=body).get_json()["cache"] == "miss"


@pytest.mark.parametrize(
    ("rule", "field", "part"),
    [
        ({"kind": "bost"}, "rules[0].kind", "boost"),
        ({"where": {"genre": "a"}}, "rules[0].kind", "required"),
        ({"kind": "boost", "where": {"genre": "a"}, "factr": 2}, "rules[0].factr", "unknown"),
        ({"kind": "filter", "where": {"genre": 3}}, "rules[0].where.genre", "3"),
        ({"kind": "filter", "where": {"listed": "/etc/passwd"}}, "rules", "files"),
        ({"kind": "filter", "where": {"not": {"listed": "x"}}}, "rules", "`listed` of 'filter-1'"),
        ({"kind": "pin", "track": "a", "position": "1"}, "rules[0].position", "integer"),
        ({"kind": "pin", "track": "a", "from": 3}, "rules[0].from", "ISO time"),
    ],
)
def test_rules_that_are_wrong_are_named(
    world: World, rule: dict[str, Any], field: str, part: str
) -> None:
    body = check_problem(world.client.post(ANONYMOUS, json={"rules": [rule]}), 422)
    errors = {e["field"]: e["detail"] for e in body["errors"]}  # type: ignore[attr-defined]
    assert part in errors[field]


def test_boosts_multiply_to_a_score_that_json_can_hold(world: World) -> None:
    boost = {"kind": "boost", "where": {"heard": True}, "factor": 1000}
    body = {"seed_tracks": ["t00"], "rules": [boost] * 20, "diversity": 0.3}
    response = world.client.post(ANONYMOUS, json=body)
    assert response.status_code == 200, response.text
    assert "Infinity" not in response.text
    scores = [item["score"] for item in response.get_json()["items"]]
    assert max(scores) == pytest.approx(3.4e38, rel=0.01)


def test_rules_are_limited_in_number_and_only_in_bodies(world: World) -> None:
    pins = [{"kind": "pin", "track": "t01"}] * 21
    body = check_problem(world.client.post(ANONYMOUS, json={"rules": pins}), 422)
    assert "20" in str(body["detail"])
    check_problem(world.client.get(f"{URL}?rules=1"), 422)
    assert world.client.post(ANONYMOUS, json={"rules": pins[:20]}).status_code == 200


TRACKS = [f"t{i:02}" for i in range(12)]


@quick(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    written=st.lists(rules(), max_size=4),
    seeds=st.sets(st.sampled_from(TRACKS), max_size=5),
    disliked=st.sets(st.sampled_from(TRACKS), max_size=5),
    n=st.integers(1, 20),
    strategy=st.sampled_from(("hybrid", "cf", "audio", "popular")),
)
def test_no_rule_of_a_request_brings_back_seeds_or_dislikes(
    world: World,
    written: list[dict[str, Any]],
    seeds: set[str],
    disliked: set[str],
    n: int,
    strategy: str,
) -> None:
    for rule in written:  # JSON has no days
        where = rule.get("where", {})
        for part in (where, where.get("not", {})):
            if "released_before" in part:
                part["released_before"] = str(part["released_before"])
    base = {"seed_tracks": sorted(seeds), "disliked_tracks": sorted(disliked), "strategy": strategy}
    body = {**base, "n": n, "rules": written, "dry_run": True}
    response = world.client.post(ANONYMOUS, json=body)
    assert response.status_code == 200, response.text
    answer = response.get_json()
    assert not {*ids(answer)} & (seeds | disliked)
    every = ids(world.client.post(ANONYMOUS, json={**base, "n": 1000}).get_json())
    removed = sum(rule["removed"] for rule in answer["rules"])
    assert {*ids(answer)} <= {*every}
    assert len(answer["items"]) == len({*ids(answer)}) == min(n, len(every) - removed)
