from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from api.cli.output import give_report
from tests.api.cli.conftest import Segue

FOLDER = Path(__file__).parents[3]


def unusable(tmp_path: Path, suffix: str = ".csv") -> list[Path]:
    """Return paths that no file can be written to."""
    directory, file = tmp_path / f"directory{suffix}", tmp_path / f"file{suffix}"
    directory.mkdir()
    file.touch()
    return [directory, file / f"x{suffix}", Path(f"/proc/x{suffix}")]


def test_a_file_that_cannot_be_written_is_refused_before_the_work(
    segue: Segue, files: dict[str, Path], tmp_path: Path
) -> None:
    (tmp_path / "home").mkdir()
    commands: list[tuple[object, ...]] = [
        ("recommend", "u01", "--out"),
        ("recommend", "--all-users", "--out"),
        ("export", "tracks", "--out"),
        ("duplicates", "--out"),
        ("data", "listeners", "--out"),
        ("import", "tracks", files["tracks"], "--skip-bad-rows"),
        ("evaluate", "--html"),
        ("evaluate", "--json"),
        ("evaluate", "--off-policy", "--json"),
        ("evaluate", "audio", "--json"),
        ("evaluate", "duplicates", "--json"),
        ("experiments", "report", "any", "--json"),
    ]
    for path in unusable(tmp_path):
        for words in commands:
            result = segue(*words, path)
            assert result.status == 2, result.err
            assert f"{path} cannot be written: " in result.complaint
            assert "Choose another file." in result.complaint


def test_a_suffix_that_names_no_format_is_refused(
    segue: Segue, files: dict[str, Path], tmp_path: Path
) -> None:
    (tmp_path / "home").mkdir()
    for words in (
        ("recommend", "u01", "--out"),
        ("export", "tracks", "--out"),
        ("duplicates", "--out"),
        ("data", "listeners", "--out"),
        ("import", "tracks", files["tracks"], "--skip-bad-rows"),
    ):
        result = segue(*words, tmp_path / "table.xlsx")
        assert result.status == 2
        assert "must end in one of .csv" in result.complaint
        assert "Received: table.xlsx." in result.complaint


@pytest.mark.parametrize("option", [("recommend", "--history"), ("evaluate", "--held-out")])
def test_a_listens_file_that_is_not_there_is_a_wrong_argument(
    segue: Segue, tmp_path: Path, option: tuple[str, str]
) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home.csv").mkdir()
    (tmp_path / "x.xlsx").touch()
    for path, message in (
        (tmp_path / "nowhere.csv", "there is no file"),
        (tmp_path / "home.csv", "is a directory"),
        (tmp_path / "x.xlsx", "must end in one of .csv"),
    ):
        result = segue(*option, path)
        assert result.status == 2
        assert message in result.complaint


def test_a_report_is_printed_even_if_its_file_cannot_be_written(
    trained: Segue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "folder" / "report.json"
    # As if the disk failed while the work went on.
    monkeypatch.setattr("data.files.temporary_path", lambda _: Path("/proc/x"))
    for option in ("--json", "--html"):
        result = trained("evaluate", "--protocol", "random", "-k", 3, option, out)
        assert result.status == 1
        assert "ndcg@3" in result.out
        assert result.err.splitlines()[-1].startswith(f"segue: {out} cannot be written: No such")


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_full_standard_output_is_one_line(tmp_path: Path, unbuffered: str) -> None:
    words = [sys.executable, "-P", "-m", "api", "--home", str(tmp_path), "bundle", "list"]
    environment = {"PYTHONPATH": str(FOLDER), "PYTHONUNBUFFERED": unbuffered}
    with Path("/dev/full").open("w") as full:
        result = subprocess.run(
            words, stdout=full, stderr=subprocess.PIPE, text=True, check=False, env=environment
        )
    assert result.returncode == 1
    assert result.stderr == (
        "segue: Standard output cannot be written: No space left on device. Send it elsewhere.\n"
    )


def test_a_closed_pipe_is_silent(tmp_path: Path) -> None:
    words = [sys.executable, "-P", "-m", "api", "--home", str(tmp_path), "bundle", "list"]
    process = subprocess.Popen(
        words,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={"PYTHONPATH": str(FOLDER)},
    )
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    assert process.stderr.read() == ""
    process.stderr.close()
    assert process.wait(60) == 1


def test_what_the_system_refuses_is_one_line(
    segue: Segue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "home").mkdir()

    def refuse(_registry: object) -> None:
        raise PermissionError(13, "Permission denied", "/srv/bundles")

    monkeypatch.setattr("engine.bundle.registry.BundleRegistry.ids", refuse)
    result = segue("bundle", "list")
    assert result.status == 1
    assert result.complaint.startswith("segue: /srv/bundles cannot be used: Permission denied. (")


def test_a_report_is_written_whole_with_nothing_beside_it(tmp_path: Path) -> None:
    document = {"name": "Märzlicht", "ndcg@10": 0.25, "low": None}
    give_report(document, "text", tmp_path / "report.json")
    assert json.loads((tmp_path / "report.json").read_text("utf-8")) == document
    assert [p.name for p in tmp_path.iterdir()] == ["report.json"]
