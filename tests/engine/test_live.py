from __future__ import annotations

import logging
import time
from pathlib import Path

import pytest

from data import BundleError, History
from engine.bundle import BundleRegistry
from engine.config import Sections
from engine.live import CHECK_EVERY, LiveModels
from engine.request import Request
from tests.engine.conftest import World


def wait_for(live: LiveModels, bundle_id: str, seconds: float = 10) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if live.get().bundle.id == bundle_id:
            return True
        time.sleep(0.02)
    return False


def test_no_bundle_is_an_error_until_there_is_one(world: World, tmp_path: Path) -> None:
    registry = BundleRegistry(tmp_path)
    live = LiveModels(registry, world.sections)
    with pytest.raises(BundleError, match="no bundle yet"):
        live.get()
    registry.publish(world.bundle(tmp_path).id)
    assert live.get().bundle.id == registry.current_id()


def test_a_new_bundle_is_picked_up_and_rolled_back(world: World, tmp_path: Path) -> None:
    registry = BundleRegistry(tmp_path)
    first, second = (world.bundle(tmp_path).id for _ in range(2))
    registry.publish(first)
    live = LiveModels(registry, world.sections)
    assert live.get().bundle.id == first
    registry.publish(second)
    assert wait_for(live, second)
    registry.rollback()
    assert wait_for(live, first)


def test_a_corrupt_bundle_is_reported_and_the_old_one_stays(
    world: World, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    registry = BundleRegistry(tmp_path)
    first, second = (world.bundle(tmp_path) for _ in range(2))
    registry.publish(first.id)
    live = LiveModels(registry, world.sections)
    live.get()
    registry.publish(second.id)
    (second.path / "plays.npy").write_bytes(b"rot")
    with caplog.at_level(logging.ERROR, "segue.engine"):
        assert not wait_for(live, second.id, seconds=2 * CHECK_EVERY + 0.5)
    assert live.get().bundle.id == first.id
    assert "corrupt" in caplog.text
    assert caplog.text.count("goes on serving") == 1


def test_a_list_that_cannot_be_read_today_keeps_no_bundle_back(
    world: World, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "available.txt"
    path.write_text("t01\n")
    rule = {"kind": "filter", "action": "keep", "where": {"listed": path}}
    settings = {**world.sections.model_dump(exclude_unset=True), "rules": [rule]}
    registry = BundleRegistry(tmp_path)
    first, second = (world.bundle(tmp_path).id for _ in range(2))
    registry.publish(first)
    live = LiveModels(registry, Sections.model_validate(settings))
    live.get()
    path.unlink()
    time.sleep(1.1)  # until the file is looked at again
    registry.publish(second)
    with caplog.at_level(logging.WARNING, "segue.rules"):
        assert wait_for(live, second)
    assert "What it listed before stays." in caplog.text
    eligible = live.get().recommender.eligible(Request(History()))
    assert [
        live.get().bundle.contents.catalog.tracks.id(int(t)) for t in eligible.nonzero()[0]
    ] == ["t01"]


def test_an_error_of_any_kind_is_reported_and_a_later_bundle_served(
    world: World,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    registry = BundleRegistry(tmp_path)
    first, second, third = (world.bundle(tmp_path).id for _ in range(3))
    registry.publish(first)
    live = LiveModels(registry, world.sections)
    live.get()
    registry.publish(second)
    with monkeypatch.context() as broken, caplog.at_level(logging.ERROR, "segue.engine"):
        broken.setattr("engine.live.Bundle.open", lambda _: 1 / 0)
        assert not wait_for(live, second, seconds=2 * CHECK_EVERY + 0.5)
    assert "ZeroDivisionError" in caplog.text
    registry.publish(third)
    assert wait_for(live, third)
