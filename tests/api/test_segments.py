"""Where similar tracks sound alike, over HTTP, in the description of the API, and in words."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from api.answers import clock, passage_words
from engine.bundle import BundleContents, Segments
from tests.api.conftest import WIDTH, World
from tests.api.test_lookup import open_again


def with_segments(contents: BundleContents) -> BundleContents:
    """Give t00 four chunks of 10 s, t01 the last two of them, and no other track any."""
    rows = np.eye(WIDTH, dtype=np.float16)[[0, 1, 2, 3, 2, 3]]
    sizes = np.zeros(len(contents.catalog), np.int64)
    sizes[[contents.catalog.tracks.index(t) for t in ("t00", "t01")]] = 4, 2
    offsets = np.concatenate([[0], np.cumsum(sizes)])
    assert contents.acoustic is not None
    acoustic = replace(contents.acoustic, segments=Segments(rows, offsets, 10.02))
    return replace(contents, acoustic=acoustic)


@pytest.fixture
def heard(world: World) -> World:
    world.publish(with_segments(world.services.models.get().bundle.contents))
    return open_again(world)


def similar(world: World, track: str, by: str) -> dict[str, dict[str, Any]]:
    answer = world.client.get(f"/v1/tracks/{track}/similar?n=30&by={by}")
    assert answer.status_code == 200
    return {item["track_id"]: item for item in answer.get_json()["items"]}


@pytest.mark.parametrize("by", ["audio", "hybrid"])
def test_an_item_says_where(heard: World, by: str) -> None:
    items = similar(heard, "t00", by)
    assert items["t01"]["segments"] == [
        {"from": 20.0, "to": 30.1, "item_from": 0.0, "item_to": 10.0, "similarity": 1.0},
        {"from": 30.1, "to": 40.1, "item_from": 10.0, "item_to": 20.0, "similarity": 1.0},
    ]
    assert [t for t, item in items.items() if "segments" in item] == ["t01"]


def test_without_sound_nothing_is_said(heard: World) -> None:
    assert not any("segments" in i for i in similar(heard, "t00", "listeners").values())
    assert not any("segments" in i for i in similar(heard, "t02", "audio").values())


def test_the_description_says_so(heard: World) -> None:
    schemas = heard.client.get("/openapi.json").get_json()["components"]["schemas"]
    passages, item = schemas["Passages"], schemas["TrackItem"]
    segments = similar(heard, "t00", "audio")["t01"]["segments"]
    assert set(passages["required"]) == set(passages["properties"]) == set(segments[0])
    assert "segments" in item["properties"]
    assert "segments" not in item["required"]


def test_in_words() -> None:
    passage = {"from": 69.9, "to": 100.2, "item_from": 20.0, "item_to": 49.6, "similarity": 0.8}
    assert passage_words(passage) == "1:10-1:40 of this sounds like 0:20-0:50 of that"
    assert [clock(s) for s in (0, 59.6, 3599.4, 3600, 3725)] == [
        "0:00", "1:00", "59:59", "1:00:00", "1:02:05",
    ]  # fmt: skip
