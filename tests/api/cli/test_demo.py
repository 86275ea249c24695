from __future__ import annotations

import json
from pathlib import Path

import pandas as pd

from data.sample import generate_sample
from tests.api.cli.conftest import Result, Segue

SIZE = {"styles": 1, "artists": 2, "tracks": 2, "seconds": 1.0, "users": 5}


def demo(segue: Segue, **changes: float) -> Result:
    words = [word for name, value in {**SIZE, **changes}.items() for word in (f"--{name}", value)]
    return segue("demo", "--no-serve", *words)


def test_a_home_of_other_data_is_refused(trained: Segue, tmp_path: Path) -> None:
    before = trained("bundle", "list").out
    result = demo(trained)
    assert result.status == 1
    assert "holds other data than the sample: 12 tracks, 12 users, a bundle." in result.complaint
    assert "Name another --home for the demo." in result.complaint
    assert trained("bundle", "list").out == before
    assert trained("export", "tracks", "--out", tmp_path / "out.csv").status == 0
    assert len(pd.read_csv(tmp_path / "out.csv")) == 12
    assert not (tmp_path / "home" / "sample").exists()


def test_a_home_of_tracks_or_of_plays_alone_is_refused(segue: Segue, tmp_path: Path) -> None:
    tracks, listens = tmp_path / "tracks.csv", tmp_path / "listens.csv"
    tracks.write_text("track_id\na\n")
    listens.write_text("user_id,track_id\nann,sample-folk-01-1\n")
    for kind, file in (("tracks", tracks), ("listens", listens)):
        home = tmp_path / kind
        assert segue("import", kind, file, "--home", home).status == 0
        result = segue("demo", "--no-serve", "--home", home)
        assert result.status == 1
        assert "holds other data than the sample: " in result.complaint


def test_other_options_than_before_are_refused_and_the_same_go_on(
    segue: Segue, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    # As the demo leaves it, but for a training of seconds.
    files = generate_sample(home / "sample", **SIZE)  # type: ignore[arg-type]
    result = demo(segue, styles=2, users=6)
    assert result.status == 1
    assert "was made with other options (styles 1, users 5). Name another --home" in (
        result.complaint
    )
    for kind, file in (("tracks", files.tracks), ("listens", files.listens)):
        assert segue("import", kind, file).status == 0
    played = tmp_path / "played.csv"
    played.write_text(f"user_id,track_id\nme,{pd.read_csv(files.tracks)['track_id'][0]}\n")
    assert segue("import", "listens", played).status == 0
    assert segue("train", "cf").status == 0
    before = segue("bundle", "list").out
    assert demo(segue).status == 0
    assert segue("bundle", "list").out == before
    assert demo(segue, seconds=2).status == 1
    state = json.loads((home / "sample" / "sample.json").read_text())
    assert state["complete"]
    assert state["parameters"]["seconds"] == 1.0


def test_wrong_sizes_are_wrong_arguments(segue: Segue) -> None:
    result = demo(segue, styles=99)
    assert result.status == 2
    assert "styles" in result.complaint
