"""What the documents and the service itself send, against the description at `/openapi.json`."""

from __future__ import annotations

import json
import re
import tomllib
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from tests.api.conftest import World
from tests.api.json_schema import Checker

DOCS = Path(__file__).parents[2] / "docs"
OF_USER = "/v1/users/{user_id}/recommendations"
BODY = {"seed_tracks": ["t00"]}
RULES: list[dict[str, object]] = [
    {"kind": "filter", "where": {"genre": "Quiet"}},
    {"kind": "filter", "where": {"genre": ["Quiet", "Rock"], "not": {"track": "t01"}}},
    {"kind": "boost", "where": {"released_after": "2002-01-01"}, "factor": 2},
    {"kind": "bury", "where": {"heard": False}, "places": 3, "placements": "home"},
    {"kind": "pin", "track": "t03", "from": "2020-01-01", "until": "2030-01-01T12:00:00"},
    {"kind": "pin", "track": ["t04", "t05"], "position": 2, "until": None},
    {"kind": "quota", "where": {"artist": "Artist 1"}, "at_least_share": 0.5, "first": 4},
    {"kind": "artist_cap", "most": 1, "where": None},
    {"kind": "spacing", "places": 1},
]


@pytest.fixture
def spec(world: World) -> dict[str, Any]:
    return dict(world.client.get("/openapi.json").get_json())


def blocks(name: str, language: str) -> list[tuple[str, str]]:
    """Return the examples of a page, each with the heading above it."""
    found, heading = [], ""
    for match in re.finditer(
        rf"^## ([^\n]*)$|^```{language}\n(.*?)^```", (DOCS / name).read_text(), re.M | re.S
    ):
        heading = match[1] or heading
        if match[2]:
            found.append((heading, match[2]))
    return found


def body_schema(spec: dict[str, Any], path: str) -> dict[str, Any]:
    content = spec["paths"][path]["post"]["requestBody"]["content"]
    return dict(content["application/json"]["schema"])


def answer_schema(spec: dict[str, Any], method: str, path: str) -> dict[str, Any]:
    responses = spec["paths"][path][method]["responses"]
    return dict(responses[min(responses)]["content"]["application/json"]["schema"])


def test_bodies_in_the_documents(spec: dict[str, Any]) -> None:
    checker, sent = Checker(spec), []
    for page in ("http.md", "rules.md"):
        for _, block in blocks(page, "sh"):
            for path, body in re.findall(r"curl http://[^/]+(\S+).*?--json '(.*?)'", block, re.S):
                checker.check(json.loads(body), body_schema(spec, path))
                sent.append(path)
    assert sorted(set(sent)) == ["/v1/events", "/v1/recommendations"]


def test_queries_in_the_documents(spec: dict[str, Any]) -> None:
    seen = 0
    for page in ("http.md", "rules.md"):
        for _, block in blocks(page, "sh"):
            for url in re.findall(r"'(http://[^']+\?[^']+)'", block):
                parts = urlsplit(url)
                path = next(
                    p
                    for p in spec["paths"]
                    if re.fullmatch(re.sub(r"{.*?}", "[^/]+", p), parts.path)
                )
                operations = spec["paths"][path].values()
                names = {p["name"] for o in operations for p in o["parameters"]}
                asked = {name for name, _ in parse_qsl(parts.query)}
                assert asked <= names | {"foo"}, url  # the example of an error asks for foo
                seen += 1
    assert seen > 5


def test_rules_in_the_documents(world: World, spec: dict[str, Any]) -> None:
    checked = 0
    for _, block in blocks("rules.md", "toml"):
        rules = json.loads(json.dumps(tomllib.loads(block)["rules"], default=date.isoformat))
        if "listed" in block:  # refused over HTTP
            continue
        Checker(spec).check({"rules": rules}, body_schema(spec, "/v1/recommendations"))
        response = world.client.post("/v1/recommendations", json={"rules": rules})
        assert response.status_code == 200, response.text
        checked += len(rules)
    assert checked > 8


def test_answers_in_the_documents(spec: dict[str, Any]) -> None:
    checker, checked = Checker(spec), 0
    for heading, block in blocks("http.md", "json"):
        document = json.loads(block)
        named = re.match(r"`(GET|POST) (\S+)`", heading)
        if "title" in document:
            schema = {"$ref": "#/components/schemas/Problem"}
        elif named is None:
            schema = answer_schema(spec, "get", "/readyz")
        else:
            schema = answer_schema(spec, named[1].lower(), named[2])
        checker.check(document, schema, at=heading)
        checked += 1
    assert checked > 8
    ((_, outcomes),) = blocks("rules.md", "json")
    for outcome in json.loads(outcomes):
        checker.check(outcome, {"$ref": "#/components/schemas/RuleOutcome"})


@pytest.mark.parametrize("rule", RULES)
def test_rules_that_are_taken_are_declared(
    world: World, spec: dict[str, Any], rule: dict[str, object]
) -> None:
    body = {**BODY, "dry_run": True, "rules": [rule]}
    Checker(spec).check(body, body_schema(spec, "/v1/recommendations"))
    response = world.client.post("/v1/recommendations", json=body)
    assert response.status_code == 200, response.text
    schema = answer_schema(spec, "post", "/v1/recommendations")
    Checker(spec).check(response.get_json(), schema)


@pytest.mark.parametrize(
    "rule",
    [
        {"kind": "filter", "where": {"listed": "x.txt"}},
        {"kind": "filter", "where": {"not": {"listed": "x.txt"}}},
        {"kind": "filter", "where": {"genre": []}},
        {"kind": "filter", "where": {"genre": 7}},
        {"kind": "pin", "track": None},
        {"kind": "lift"},
    ],
)
def test_rules_that_are_refused_are_not(
    world: World, spec: dict[str, Any], rule: dict[str, object]
) -> None:
    assert world.client.post("/v1/recommendations", json={"rules": [rule]}).status_code == 422
    with pytest.raises(AssertionError, match=r"\$\.rules"):
        Checker(spec).check({"rules": [rule]}, body_schema(spec, "/v1/recommendations"))


def test_as_many_rules_as_are_declared(world: World, spec: dict[str, Any]) -> None:
    rules = [{"kind": "spacing", "places": 1}] * 21
    with pytest.raises(AssertionError, match="maxItems 20"):
        Checker(spec).check({"rules": rules}, body_schema(spec, "/v1/recommendations"))
    assert world.client.post("/v1/recommendations", json={"rules": rules}).status_code == 422


@pytest.mark.parametrize(
    ("path", "described"),
    [
        (f"{OF_USER.format(user_id='u0')}?explain=true&dry_run=true", OF_USER),
        (OF_USER.format(user_id="nobody"), OF_USER),
        ("/v1/tracks", "/v1/tracks"),
        ("/v1/tracks/t00", "/v1/tracks/{track_id}"),
        ("/v1/tracks/t00/similar", "/v1/tracks/{track_id}/similar"),
        ("/v1/tracks/t00/listeners", "/v1/tracks/{track_id}/listeners"),
        ("/v1/popular", "/v1/popular"),
        ("/v1/new", "/v1/new"),
        ("/v1/users", "/v1/users"),
        ("/healthz", "/healthz"),
        ("/readyz", "/readyz"),
    ],
)  # fmt: skip
def test_answers_are_as_declared(
    world: World, spec: dict[str, Any], path: str, described: str
) -> None:
    response = world.client.get(path)
    assert response.status_code == 200
    Checker(spec).check(response.get_json(), answer_schema(spec, "get", described))


def test_events_are_as_declared(world: World, spec: dict[str, Any]) -> None:
    body = {"events": [{"user_id": "u9", "track_id": "t00", "listened_at": "2024-01-01"}]}
    Checker(spec).check(body, body_schema(spec, "/v1/events"))
    response = world.client.post("/v1/events", json=body)
    Checker(spec).check(response.get_json(), answer_schema(spec, "post", "/v1/events"))


@pytest.mark.parametrize(
    ("path", "described", "status"),
    [
        ("/v1/users/u0/recommendations?n=0", OF_USER, 422),
        ("/v1/users/u0/recommendations?q=%FF", OF_USER, 400),
        ("/v1/tracks?q=%FF", "/v1/tracks", 400),
        ("/v1/tracks/t00?x=1", "/v1/tracks/{track_id}", 422),
        ("/v1/tracks/nope", "/v1/tracks/{track_id}", 404),
        ("/v1/tracks/nope/similar?n=%FF", "/v1/tracks/{track_id}/similar", 400),
        ("/v1/tracks/t01/audio", "/v1/tracks/{track_id}/audio", 404),
        ("/v1/tracks/t00/audio?x=1", "/v1/tracks/{track_id}/audio", 422),
        (f"/v1/tracks/{'x' * 257}/audio", "/v1/tracks/{track_id}/audio", 422),
        ("/v1/popular?n=%FF", "/v1/popular", 400),
        ("/v1/new?n=%FF", "/v1/new", 400),
        ("/v1/users?n=%FF", "/v1/users", 400),
    ],
)
def test_problems_are_as_declared(
    world: World, spec: dict[str, Any], path: str, described: str, status: int
) -> None:
    response = world.client.get(path)
    assert response.status_code == status
    declared = spec["paths"][described]["get"]["responses"][str(status)]
    (schema,) = declared["content"].values()
    assert declared["content"].keys() == {response.mimetype}
    Checker(spec).check(response.get_json(force=True), schema["schema"])
    assert declared["headers"].keys() <= dict(response.headers).keys()


def test_sound_is_as_declared(world: World, spec: dict[str, Any]) -> None:
    responses = spec["paths"]["/v1/tracks/{track_id}/audio"]["get"]["responses"]
    url = "/v1/tracks/t00/audio"
    with world.client.get(url) as whole:
        etag = whole.headers["ETag"]
    for headers, status in (
        ({}, "200"),
        ({"Range": "bytes=0-99"}, "206"),
        ({"If-None-Match": etag}, "304"),
        ({"Range": "bytes=99999999-"}, "416"),
    ):
        with world.client.get(url, headers=headers) as response:
            assert str(response.status_code) == status
        declared = responses[status]
        if status == "304":
            assert "content" not in declared
        elif status == "416":
            assert declared["content"].keys() == {"application/problem+json"}
        else:
            assert declared["content"].keys() == {"audio/*"}
            assert response.mimetype.startswith("audio/")
        assert declared["headers"].keys() <= dict(response.headers).keys()
    assert {"422", "503"} <= responses.keys()
