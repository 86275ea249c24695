from __future__ import annotations

from pathlib import Path

import pytest

from data.errors import DataError
from data.files import atomic_path, why_not_writable, write_atomically


def test_a_refusal_of_the_system_names_the_file_and_the_reason(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    for path, reason in (
        (tmp_path / "folder", "Is a directory"),
        (tmp_path / "file" / "x.csv", "File exists|Not a directory"),
        (Path("/proc/x.csv"), "No such file or directory"),
        (tmp_path / ("x" * 300), "File name too long"),
    ):
        with pytest.raises(DataError, match=rf"^{path} cannot be written: ({reason})\.$"):
            write_atomically(path, b"")
        assert why_not_writable(path) is not None
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file", "folder"]


def test_a_broken_pipe_is_no_fault_of_the_file(tmp_path: Path) -> None:
    with pytest.raises(BrokenPipeError), atomic_path(tmp_path / "x"):
        raise BrokenPipeError
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_can_be_written_has_no_fault_and_is_not_made(tmp_path: Path) -> None:
    assert why_not_writable(tmp_path / "new" / "x.csv") is None
    (tmp_path / "there").touch()
    assert why_not_writable(tmp_path / "there") is None
    assert [p.name for p in tmp_path.iterdir()] == ["there"]


def test_what_is_no_regular_file_is_not_replaced() -> None:
    assert why_not_writable(Path("/dev/null")) == "it is not a regular file"
