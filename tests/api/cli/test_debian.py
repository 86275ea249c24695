"""`segue data debian`, with packages made here and the real apt-get."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.api.cli.conftest import Segue
from tests.data.debs import make_deb, make_source, sound

pytestmark = pytest.mark.skipif(
    shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None,
    reason="apt-get and dpkg-deb are not installed",
)


@pytest.fixture(autouse=True)
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deb = make_deb(tmp_path / "debs", "pond", {"./usr/frog.ogg": sound(26)})
    monkeypatch.setenv("APT_CONFIG", str(make_source(tmp_path / "apt", [deb])))


def test_what_it_writes_and_leaves_out(segue: Segue, tmp_path: Path) -> None:
    names, out = tmp_path / "list.txt", tmp_path / "out"
    names.write_text("pond 0.9\nabsent\n")
    result = segue("data", "debian", "--out", out, "--packages", names)
    assert result.status == 0
    assert result.out == f"Wrote {out / 'tracks.csv'}: 1 tracks.\n"
    assert "Left out absent: Unable to locate package absent.\n" in result.err
    assert "Run `apt-get update`" in result.err
    assert "pond is 1.0-1 here; the list names 0.9.\n" in result.err
    result = segue("data", "debian", "--out", out, "--packages", names, "--json")
    assert result.json == {
        "tracks": str(out / "tracks.csv"),
        "count": 1,
        "missing": {"absent": "Unable to locate package absent"},
        "other_versions": {"pond": "1.0-1"},
    }


def test_a_list_that_is_not_there_is_a_wrong_argument(segue: Segue, tmp_path: Path) -> None:
    result = segue("data", "debian", "--out", tmp_path / "d", "--packages", tmp_path / "no.txt")
    assert result.status == 2
    assert "`--packages`: there is no file " in result.complaint


def test_without_packages_it_fetches_those_of_the_encoder(segue: Segue, tmp_path: Path) -> None:
    result = segue("data", "debian", "--out", tmp_path / "out")
    assert result.status == 1
    # The source here has none of them. Progress stands before the complaint.
    assert "None of the 63 packages can be had" in result.err.strip().splitlines()[-1]
