from __future__ import annotations

import logging
import os
from pathlib import Path

import pytest

from data.errors import ParameterError
from data.vocabulary import Vocabulary
from ranker.rules import ListFiles, TrackLists, check_lists, lists
from tests.ranker.rules.plain import one

TRACKS = Vocabulary(["a", "b", "ü"])


@pytest.fixture
def looked_at_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lists, "CHECK_EVERY", 0.0)


def written(path: Path, text: str, *, at: int) -> Path:
    path.write_text(text, "utf-8")
    os.utime(path, (at, at))
    return path


def test_a_line_is_an_id(tmp_path: Path) -> None:
    path = written(tmp_path / "list.txt", "\ufeffa\r\n\nü\n b\nunknown\n", at=1)
    found = TrackLists(TRACKS).get(path)
    assert found.mask.tolist() == [True, False, True]  # " b" is another id than "b"


@pytest.mark.usefixtures("looked_at_each_time")
def test_a_list_that_changed_is_read_again(tmp_path: Path) -> None:
    held = TrackLists(TRACKS)
    path = written(tmp_path / "list.txt", "a\n", at=1)
    first = held.get(path)
    assert held.get(path) is first
    written(path, "b\n", at=2)
    second = held.get(path)
    assert second.mask.tolist() == [False, True, False]
    assert second.digest != first.digest
    written(path, "a\n", at=3)
    assert held.get(path).digest == first.digest


def test_a_list_is_not_looked_at_more_than_once_a_second(tmp_path: Path) -> None:
    held = TrackLists(TRACKS)
    path = written(tmp_path / "list.txt", "a\n", at=1)
    first = held.get(path)
    written(path, "b\n", at=2)
    assert held.get(path) is first


@pytest.mark.usefixtures("looked_at_each_time")
def test_a_list_that_went_away_is_reported_once_and_stays(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    held = TrackLists(TRACKS)
    path = written(tmp_path / "list.txt", "a\n", at=1)
    first = held.get(path)
    path.unlink()
    with caplog.at_level(logging.WARNING, "segue.rules"):
        assert held.get(path) is first
        assert held.get(path) is first
    assert [r.getMessage().count("list.txt") for r in caplog.records] == [1]
    written(path, "b\n", at=1)
    assert held.get(path).mask.tolist() == [False, True, False]


@pytest.mark.usefixtures("looked_at_each_time")
def test_what_was_listed_last_counts_for_a_later_bundle_too(tmp_path: Path) -> None:
    files = ListFiles()
    path = written(tmp_path / "list.txt", "a\n", at=1)
    TrackLists(TRACKS, files).get(path)
    path.unlink()
    later = TrackLists(Vocabulary(["b", "a"]), files)
    assert later.get(path).mask.tolist() == [False, True]


def test_a_list_that_never_was_is_an_error(tmp_path: Path) -> None:
    missing = tmp_path / "none.txt"
    with pytest.raises(ParameterError, match=r"none\.txt.*No such file"):
        TrackLists(TRACKS).get(missing)
    binary = tmp_path / "binary.txt"
    binary.write_bytes(b"\xff\n")
    with pytest.raises(ParameterError, match=r"binary\.txt.*not UTF-8"):
        TrackLists(TRACKS).get(binary)
    for where in ({"listed": missing}, {"not": {"listed": missing}}):
        with pytest.raises(ParameterError, match=r"none\.txt"):
            check_lists([one(kind="filter", where=where)])
    check_lists([one(kind="filter", where={"genre": "a"}), one(kind="artist_cap", most=1)])
