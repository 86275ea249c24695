from __future__ import annotations

import hashlib
from functools import partial
from pathlib import Path

import pandas as pd
import pytest

from data.lastfm import fetch_lastfm
from tests.api.cli.conftest import Segue
from tests.data.file_server import serving
from tests.data.test_lastfm import GOOD


def test_import_tells_what_changed(segue: Segue, files: dict[str, Path]) -> None:
    first = segue("import", "tracks", files["tracks"], "--json")
    assert first.json == {"new": 12, "changed": 0, "same": 0}
    again = segue("import", "tracks", files["tracks"])
    assert again.out == "Imported: 0 new, 0 changed, 12 same.\n"
    listens = segue("import", "listens", files["listens"], "--json").json
    assert listens["new"] == len(pd.read_csv(files["listens"], sep="\t"))
    assert listens["new_tracks"] == 0
    assert segue("import", "listens", files["listens"], "--json").json["new"] == 0
    embeddings = segue("import", "embeddings", files["embeddings"], "--json")
    assert embeddings.json == {"embeddings": 11}


def test_a_bad_row_stops_the_import(segue: Segue, tmp_path: Path) -> None:
    file = tmp_path / "listens.csv"
    file.write_text("user_id,track_id,count\nu,a,1\nu,b,-3\nu,c,2\n")
    result = segue("import", "listens", file)
    assert result.status == 1
    assert "listens.csv, line 3: `count` must be above zero. Received: -3" in result.complaint
    assert segue("export", "listens", "--out", tmp_path / "out.csv").status == 0
    assert pd.read_csv(tmp_path / "out.csv").empty


def test_a_file_that_is_cut_has_one_full_stop(segue: Segue, tmp_path: Path) -> None:
    file = tmp_path / "tracks.parquet"
    file.write_bytes(b"no parquet at all")
    complaint = segue("import", "tracks", file).complaint
    assert ".." not in complaint
    assert complaint.endswith(". Is it complete?")


def test_bad_rows_can_be_set_aside(segue: Segue, tmp_path: Path) -> None:
    file = tmp_path / "listens.csv"
    file.write_text("user_id,track_id,count\nu,a,1\nu,b,-3\nu,c,2\n")
    rejected = tmp_path / "bad.csv"
    result = segue("import", "listens", file, "--skip-bad-rows", rejected, "--json")
    assert result.status == 0
    assert result.json["new"] == 2
    assert result.json["rejected"] == 1
    assert result.err == f"1 bad row is in {rejected}.\n"
    assert pd.read_csv(rejected)["line"].tolist() == [3]


def test_unknown_tracks_are_added_or_rejected(segue: Segue, tmp_path: Path) -> None:
    file = tmp_path / "listens.csv"
    file.write_text("user_id,track_id\nu,new-one\n")
    rejected = segue("import", "listens", file, "--unknown-tracks", "reject")
    assert rejected.status == 1
    assert "1 track is not in the catalogue: 'new-one'. Import it first" in rejected.complaint
    assert segue("import", "listens", file, "--json").json["new_tracks"] == 1


def test_embeddings_of_another_width_need_replace(
    segue: Segue, files: dict[str, Path], tmp_path: Path
) -> None:
    segue("import", "embeddings", files["embeddings"])
    wide = tmp_path / "wide.parquet"
    pd.DataFrame({"track_id": ["t00"], "embedding": [[1.0] * 7]}).to_parquet(wide)
    assert segue("import", "embeddings", wide).status == 1
    assert segue("import", "embeddings", wide, "--replace").status == 0
    out = tmp_path / "out.parquet"
    assert segue("export", "embeddings", "--out", out).status == 0
    assert [len(e) for e in pd.read_parquet(out)["embedding"]] == [7]


@pytest.mark.parametrize("kind", ["tracks", "listens", "embeddings"])
def test_what_is_exported_can_be_imported(
    segue: Segue, files: dict[str, Path], tmp_path: Path, kind: str
) -> None:
    segue("import", kind, files[kind])
    out = tmp_path / "out.parquet"
    assert segue("export", kind, "--out", out).status == 0
    other = tmp_path / "other"
    assert segue("import", kind, out, home=other).status == 0
    again = tmp_path / "again.parquet"
    assert segue("export", kind, "--out", again, home=other).status == 0
    pd.testing.assert_frame_equal(pd.read_parquet(out), pd.read_parquet(again))


def test_exporting_an_unknown_space_is_an_error(segue: Segue, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    result = segue("export", "embeddings", "--out", tmp_path / "x.parquet", "--space", "moon")
    assert result.status == 1
    assert "'moon'" in result.complaint


def test_times_survive_export_and_import(segue: Segue, tmp_path: Path) -> None:
    file = tmp_path / "listens.csv"
    file.write_text(
        "user_id,track_id,listened_at\nu,a,2024-05-01T10:00:00Z\nu,a,2024-05-02T10:00:00Z\nu,b,\n"
    )
    assert segue("import", "listens", file, "--json").json["new"] == 3
    for name in ("out.csv", "out.parquet", "out.jsonl"):
        assert segue("export", "listens", "--out", tmp_path / name).status == 0
        again = segue("import", "listens", tmp_path / name, "--json").json
        assert (again["new"], again["changed"], again["same"]) == (0, 0, 3)
    text = pd.read_csv(tmp_path / "out.csv")["listened_at"].tolist()
    assert text[:2] == ["2024-05-01T10:00:00Z", "2024-05-02T10:00:00Z"]


def test_simulated_listens_have_times(segue: Segue, files: dict[str, Path], tmp_path: Path) -> None:
    segue("import", "tracks", files["tracks"])
    out = tmp_path / "simulated.csv"
    result = segue("data", "listeners", "--users", 5, "--out", out)
    assert result.status == 0
    assert "simulated" in result.err
    table = pd.read_csv(out)
    assert table["user_id"].nunique() == 5
    assert table["listened_at"].notna().all()
    assert segue("import", "listens", out, "--json").json["new"] == len(table)


def test_replacing_embeddings_is_all_or_nothing(
    segue: Segue, files: dict[str, Path], tmp_path: Path
) -> None:
    segue("import", "embeddings", files["embeddings"])
    bad = tmp_path / "bad.parquet"
    pd.DataFrame({"track_id": ["t00"], "embedding": [[float("nan")] * 4]}).to_parquet(bad)
    words = ("import", "embeddings", bad, "--replace", "--skip-bad-rows", tmp_path / "rejected")
    result = segue(*words)
    assert result.status == 1
    assert "nothing was changed" in result.err
    out = tmp_path / "out.parquet"
    assert segue("export", "embeddings", "--out", out).status == 0
    assert len(pd.read_parquet(out)) == 11


def test_what_the_readers_note_is_said(segue: Segue, tmp_path: Path) -> None:
    file = tmp_path / "tracks.csv"
    file.write_text("track_id,colour\na,blue\n")
    result = segue("import", "tracks", file)
    assert result.status == 0
    assert "colour" in result.err


def test_lastfm_is_fetched_and_imported(segue: Segue, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(files={"/lastfm.zip": GOOD}) as server:
        fetch = partial(
            fetch_lastfm, url=f"{server.url}/lastfm.zip", sha256=hashlib.sha256(GOOD).hexdigest()
        )
        monkeypatch.setattr("api.cli.data_command.fetch_lastfm", fetch)
        result = segue("data", "lastfm")
    assert result.status == 0
    assert "3 new tracks and 3 new listens" in result.out
