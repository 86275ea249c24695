from __future__ import annotations

import threading
import time
from typing import get_args

import pytest

from api.http.event_schemas import EventIn
from data.interactions import EVENTS
from data.store.schema import DERIVED
from tests.api.conftest import AWKWARD, World
from tests.api.test_problems import check_problem


def post(world: World, *events: dict[str, object]) -> object:
    return world.client.post("/v1/events", json={"events": events})


def event(**fields: object) -> dict[str, object]:
    return {"user_id": "u9", "track_id": "t00", **fields}


def test_kinds_are_those_of_the_listens_file() -> None:
    assert get_args(EventIn.model_fields["event"].annotation) == EVENTS


def test_accepted_events_are_counted_and_held(world: World) -> None:
    response = post(world, event(), event(track_id="t01", event="like", played_ms=1000))
    assert response.status_code == 202  # type: ignore[attr-defined]
    assert response.get_json() == {"accepted": 2, "duplicates": 0}  # type: ignore[attr-defined]
    assert world.store.counts()["events"] == 4 + 2
    assert world.store.user_known("u9")


def test_repeated_deliveries_are_stored_once(world: World) -> None:
    batch = [event(event_id="e1"), event(event_id="e2"), event(event_id="e1")]
    assert post(world, *batch).get_json() == {"accepted": 2, "duplicates": 1}  # type: ignore[attr-defined]
    version = world.store.user_version("u9")
    assert post(world, *batch).get_json() == {"accepted": 0, "duplicates": 3}  # type: ignore[attr-defined]
    assert world.store.user_version("u9") == version


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        (1_700_000_000, 1_700_000_000),
        (1_700_000_000.9, 1_700_000_000),
        ("1700000000", 1_700_000_000),
        ("2023-11-14T22:13:20Z", 1_700_000_000),
        ("2023-11-14T23:13:20+01:00", 1_700_000_000),
        ("2023-11-14 22:13:20", 1_700_000_000),
        ("2023-11-14", 1_699_920_000),
        (0, 0),
    ],
)
def test_times(world: World, given: object, stored: int) -> None:
    assert post(world, event(listened_at=given)).status_code == 202  # type: ignore[attr-defined]
    tracks = world.services.models.get().bundle.contents.catalog.tracks
    assert world.store.history("u9", tracks).last_at.tolist() == [stored]


def test_a_missing_time_is_now(world: World) -> None:
    post(world, event(), event(track_id="t01", listened_at=None))
    tracks = world.services.models.get().bundle.contents.catalog.tracks
    times = world.store.history("u9", tracks).last_at
    assert abs(times - time.time()).max() < 60


@pytest.mark.parametrize(
    ("fields", "part"),
    [
        ({"event": "love"}, "`events[1].event`"),
        ({"user_id": ""}, "`events[1].user_id` is empty"),
        ({"user_id": "x" * 257}, "`events[1].user_id` is 257 bytes"),
        ({"user_id": 7}, "`events[1].user_id`"),
        ({"track_id": "a\x00b"}, "`events[1].track_id` holds a NUL"),
        ({"event_id": ""}, "`events[1].event_id` is empty"),
        (
            {"event_id": f"{DERIVED}1"},
            "`events[1].event_id` must not begin with 'segue:'. Received: 'segue:1'.",
        ),
        ({"played_ms": -1}, "`events[1].played_ms`"),
        ({"played_ms": 1.5}, "`events[1].played_ms`"),
        ({"listened_at": "yesterday"}, "`events[1].listened_at` must be ISO 8601"),
        ({"listened_at": -5}, "`events[1].listened_at` must not be before 1970"),
        ({"listened_at": "nan"}, "`events[1].listened_at`"),
        ({"listened_at": True}, "`events[1].listened_at`"),
        ({"listened_at": 1_700_000_000_000}, "not milliseconds"),
        ({"listened_at": time.time() + 2 * 86_400}, "lies in the future"),
        ({"listened_at": "9999-12-31T23:59:59-12:00"}, "`events[1].listened_at`"),
        ({"playd_ms": 3}, "`events[1].playd_ms` is unknown"),
    ],
)
def test_one_wrong_event_refuses_the_batch(
    world: World, fields: dict[str, object], part: str
) -> None:
    body = check_problem(post(world, event(), event(**fields)), 422)  # type: ignore[arg-type]
    assert part in str(body["detail"])
    (error,) = body["errors"]  # type: ignore[misc]
    assert error["field"] == f"events[1].{next(iter(fields))}"
    assert not world.store.user_known("u9")


def test_missing_fields_are_named(world: World) -> None:
    body = check_problem(post(world, {}), 422)  # type: ignore[arg-type]
    fields = [error["field"] for error in body["errors"]]  # type: ignore[attr-defined]
    assert fields == ["events[0].user_id", "events[0].track_id"]


def test_unknown_tracks_are_named_and_nothing_is_stored(world: World) -> None:
    body = check_problem(post(world, event(), event(track_id="nope"), event(track_id="no")), 422)  # type: ignore[arg-type]
    assert "`events[1].track_id` is not in the catalogue. Received: 'nope'" in str(body["detail"])
    assert [e["field"] for e in body["errors"]] == ["events[1].track_id", "events[2].track_id"]  # type: ignore[attr-defined]
    assert not world.store.user_known("u9")


def test_sizes_of_batches(world: World) -> None:
    assert "1 to 5" in str(check_problem(post(world), 422)["detail"])  # type: ignore[arg-type]
    assert "Received: 6" in str(check_problem(post(world, *[event()] * 6), 422)["detail"])  # type: ignore[arg-type]
    assert post(world, *[event()] * 5).status_code == 202  # type: ignore[attr-defined]


def test_awkward_ids(world: World) -> None:
    for user_id in AWKWARD:
        batch = [event(user_id=user_id, track_id=track) for track in AWKWARD[:5]]
        assert post(world, *batch).status_code == 202  # type: ignore[attr-defined]
        assert world.store.user_known(user_id)


def test_the_same_delivery_at_once_from_many_threads(world: World) -> None:
    answers: list[dict[str, int]] = []
    app = world.client.application

    def send() -> None:
        batch = {"events": [event(event_id=f"e{i}") for i in range(5)]}
        answers.append(app.test_client().post("/v1/events", json=batch).get_json())

    threads = [threading.Thread(target=send) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 8
    assert sum(answer["accepted"] for answer in answers) == 5
    assert sum(answer["duplicates"] for answer in answers) == 7 * 5
