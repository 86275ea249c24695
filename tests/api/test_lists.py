from __future__ import annotations

import pandas as pd

from api.http.views.lists import newest
from data.catalog import Catalog
from tests.api.conftest import World
from tests.api.test_problems import check_problem


def test_popular_is_by_listeners_then_plays(world: World) -> None:
    body = world.client.get("/v1/popular?n=100").get_json()
    contents = world.services.models.get().bundle.contents
    expected = sorted(range(18), key=lambda i: (-contents.listeners[i], -contents.plays[i]))
    assert [item["track_id"] for item in body["items"]] == contents.catalog.tracks.ids(expected)
    quiet = world.client.get("/v1/popular?n=100&genre=quiet").get_json()["items"]
    assert [i for i in body["items"] if i["track_id"] in {q["track_id"] for q in quiet}] == quiet
    assert 0 < len(quiet) < 18


def test_new_is_by_date(world: World) -> None:
    items = world.client.get("/v1/new").get_json()["items"]
    assert [item["track_id"] for item in items] == ["t01", "t02", "t00"]  # 2003, 2002-12, 2001
    assert len(world.client.get("/v1/new?n=1").get_json()["items"]) == 1
    check_problem(world.client.get("/v1/new?genre=rock"), 422)


def test_newest_of_partial_equal_and_broken_dates() -> None:
    dates = {
        "a": "2020",
        "b": "2020-01-01",
        "c": "2020-01",
        "d": "1969-12-31",
        "e": "soon",
        "f": None,
    }
    frame = pd.DataFrame({"track_id": list(dates), "released_at": list(dates.values())})
    items = newest(Catalog.from_frame(frame), 10)
    assert [item.track for item in items] == [0, 1, 2, 3]
    assert [item.score for item in items] == [18262.0, 18262.0, 18262.0, -1.0]
