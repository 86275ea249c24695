from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.api.conftest import World


@pytest.fixture
def spec(world: World) -> dict[str, Any]:
    return dict(world.client.get("/openapi.json").get_json())


def references(node: object) -> set[str]:
    if isinstance(node, dict):
        own = {node["$ref"]} if isinstance(node.get("$ref"), str) else set()
        return own.union(*map(references, node.values()))
    return set().union(*map(references, node)) if isinstance(node, list) else set()


def test_version_and_references(spec: dict[str, Any]) -> None:
    assert spec["openapi"].startswith("3.1")
    for reference in references(spec):
        node: Any = spec
        for part in reference.removeprefix("#/").split("/"):
            node = node[part]


def test_every_endpoint_is_described(world: World, spec: dict[str, Any]) -> None:
    rules = world.client.application.url_map.iter_rules()
    paths = {re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", r.rule) for r in rules}
    assert spec["paths"].keys() == paths - {"/", "/web/{name}", "/openapi.json"}
    assert {
        "/v1/users/{user_id}/recommendations", "/v1/recommendations", "/v1/tracks",
        "/v1/tracks/{track_id}", "/v1/tracks/{track_id}/similar", "/v1/tracks/{track_id}/listeners",
        "/v1/tracks/{track_id}/audio", "/v1/lookup", "/v1/events", "/v1/popular", "/v1/new",
        "/v1/users", "/healthz", "/readyz",
    } == spec["paths"].keys()  # fmt: skip


def test_parameters_and_bodies(spec: dict[str, Any]) -> None:
    operation = spec["paths"]["/v1/users/{user_id}/recommendations"]["get"]
    named = {(p["in"], p["name"]) for p in operation["parameters"]}
    assert named == {("path", "user_id")} | {
        ("query", name)
        for name in (
            "n", "exclude_seen", "genre", "artist_cap", "diversity", "strategy", "placement",
            "explain", "explore", "dry_run",
        )
    }  # fmt: skip
    assert "multipart/form-data" in spec["paths"]["/v1/lookup"]["post"]["requestBody"]["content"]
    assert spec["paths"]["/v1/events"]["post"]["responses"].keys() >= {"202", "400", "415", "422"}


def test_operations_have_names_of_their_own(spec: dict[str, Any]) -> None:
    operations = [o for operations in spec["paths"].values() for o in operations.values()]
    names = [operation["operationId"] for operation in operations]
    assert len(set(names)) == len(names) == 14
    assert {"recommendUser", "recommendAnonymous", "similarTracks", "trackAudio"} <= set(names)
    for operation in operations:
        assert operation.get("requestBody", {"required": True})["required"] is True


def test_headers_are_declared(spec: dict[str, Any]) -> None:
    for operations in spec["paths"].values():
        for operation in operations.values():
            for status, response in operation["responses"].items():
                assert response["headers"]["X-Request-Id"]
                assert ("Retry-After" in response["headers"]) == (status == "503")


def test_each_component_is_there_once(spec: dict[str, Any]) -> None:
    schemas = spec["components"]["schemas"]
    assert all(name == schema["title"] for name, schema in schemas.items())
    used = {reference.rsplit("/", 1)[1] for reference in references(spec)}
    assert used >= schemas.keys()


def test_sound_formats_are_the_same_everywhere(spec: dict[str, Any]) -> None:
    file = spec["components"]["schemas"]["LookupForm"]["properties"]["file"]
    for text in (file["description"], (Path(__file__).parents[2] / "docs/http.md").read_text()):
        assert "MP3, OGG, FLAC, WAV or AIFF" in text


def test_errors_are_problems(spec: dict[str, Any]) -> None:
    problem = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    for operations in spec["paths"].values():
        for operation in operations.values():
            for status, response in operation["responses"].items():
                if status >= "4":
                    assert response["content"] == problem


def test_answers_have_the_described_fields(world: World, spec: dict[str, Any]) -> None:
    schemas = spec["components"]["schemas"]
    for path, template in (
        ("/v1/users/u0/recommendations?dry_run=true", "/v1/users/{user_id}/recommendations"),
        ("/v1/tracks", "/v1/tracks"),
        ("/v1/tracks/t00", "/v1/tracks/{track_id}"),
        ("/v1/tracks/t00/listeners", "/v1/tracks/{track_id}/listeners"),
        ("/v1/new", "/v1/new"),
        ("/v1/users", "/v1/users"),
        ("/readyz", "/readyz"),
    ):
        described = spec["paths"][template]["get"]["responses"]["200"]["content"][
            "application/json"
        ]
        schema = schemas[described["schema"]["$ref"].rsplit("/", 1)[1]]
        assert world.client.get(path).get_json().keys() == schema["properties"].keys(), path


def test_there_is_no_page_that_fetches_scripts(world: World) -> None:
    assert world.client.get("/docs").status_code == 404
