"""Every 4xx and 5xx is a problem with the id of its request."""

from __future__ import annotations

import logging
from collections.abc import Callable

import pytest
from werkzeug.test import TestResponse

from data.errors import DataError, SegueError, UnknownUser
from tests.api.conftest import World


def check_problem(response: TestResponse, status: int) -> dict[str, object]:
    assert response.status_code == status
    assert response.mimetype == "application/problem+json"
    body = response.get_json(force=True)
    assert body["status"] == status
    assert {"type", "title", "detail", "instance", "request_id"} <= body.keys()
    assert body["request_id"] == response.headers["X-Request-Id"]
    assert body["detail"]
    return dict(body)


def test_unknown_route(world: World) -> None:
    body = check_problem(world.client.get("/v2/x%2Fy"), 404)
    assert body["instance"] == "/v2/x%2Fy"
    check_problem(world.client.get("/v1/users//recommendations"), 404)


def test_wrong_method(world: World) -> None:
    response = world.client.delete("/v1/tracks")
    check_problem(response, 405)
    assert "GET" in response.headers["Allow"]


def test_body_that_is_not_json(world: World) -> None:
    bad = world.client.post("/v1/events", data=b"{", content_type="application/json")
    assert "EOF" in str(check_problem(bad, 400)["detail"])
    deep = b"[" * 100_000
    check_problem(world.client.post("/v1/events", data=deep, content_type="application/json"), 400)
    check_problem(world.client.post("/v1/events", data=b"events=1"), 415)
    check_problem(
        world.client.post(
            "/v1/events", data=b"a=b", content_type="application/x-www-form-urlencoded"
        ),
        415,
    )


def test_body_that_is_too_large(world: World) -> None:
    most = world.services.settings.api.max_body_bytes
    body = b'{"events": "' + b"x" * most + b'"}'
    response = world.client.post("/v1/events", data=body, content_type="application/json")
    assert "larger than 4 MiB, the most" in str(check_problem(response, 413)["detail"])


def test_query_string_that_is_no_text(world: World) -> None:
    check_problem(world.client.get("/v1/tracks", query_string="q=%FF"), 400)
    many = "&".join(f"a{i}=1" for i in range(101))
    assert "100" in str(check_problem(world.client.get(f"/v1/tracks?{many}"), 400)["detail"])


def test_unexpected_failure_is_logged_and_not_told(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("secret detail")

    monkeypatch.setattr(type(world.store), "get_track", broken)
    response = world.client.get("/v1/tracks/t00", headers={"X-Request-Id": "req-7"})
    body = check_problem(response, 500)
    assert "secret" not in response.text
    assert body["request_id"] == "req-7"
    assert "req-7" in caplog.text
    assert "secret detail" in caplog.text


@pytest.mark.parametrize(
    ("error", "status", "kind"),
    [
        (DataError("The database /srv/x.db cannot be used."), 503, "urn:segue:store-unavailable"),
        (UnknownUser("There is no user 'x'."), 404, "urn:segue:unknown-user"),
        (SegueError("Something else."), 500, "about:blank"),
    ],
)
def test_errors_of_the_tree(
    world: World, monkeypatch: pytest.MonkeyPatch, error: SegueError, status: int, kind: str
) -> None:
    def broken(*_: object) -> None:
        raise error

    monkeypatch.setattr(type(world.store), "get_track", broken)
    response = world.client.get("/v1/tracks/t00")
    assert check_problem(response, status)["type"] == kind
    assert ("Retry-After" in response.headers) == (status == 503)
    assert "/srv" not in response.text


@pytest.mark.parametrize("sent", ["req-1", "0af7651916cd43dd:b7ad/6", "a" * 128])
def test_sane_request_id_is_taken_over(world: World, sent: str) -> None:
    response = world.client.get("/healthz", headers={"X-Request-Id": sent})
    assert response.headers["X-Request-Id"] == sent


@pytest.mark.parametrize("sent", ["", "a b", "a" * 129, "ü", "<x>"])
def test_other_request_ids_are_replaced(world: World, sent: str) -> None:
    first = world.client.get("/healthz", headers={"X-Request-Id": sent})
    second = world.client.get("/healthz")
    assert first.headers["X-Request-Id"] not in ("", sent)
    assert first.headers["X-Request-Id"] != second.headers["X-Request-Id"]


def test_no_bundle_is_503_everywhere_but_in_the_catalogue(
    make_world: Callable[..., World], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL)
    world = make_world(bundle=False)
    for path in (
        "/readyz",
        "/v1/popular",
        "/v1/users/u0/recommendations",
        "/v1/tracks/t00/similar",
    ):
        body = check_problem(world.client.get(path), 503)
        assert body["type"] == "urn:segue:no-bundle"
        assert "segue train" in str(body["detail"])
    assert world.client.get("/healthz").status_code == 200
    assert world.client.get("/v1/tracks").status_code == 200
