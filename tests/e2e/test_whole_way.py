"""The whole way, as a team would go it: files in, recommendations out."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pandas as pd
import pytest

from tests.e2e.conftest import Served, environment, run, serving


def ids(document: dict[str, list[dict[str, str]]]) -> list[str]:
    return [item["track_id"] for item in document["items"]]


def go(sample: Path, env: dict[str, str], out: Path) -> None:
    run(("import", "tracks", sample / "tracks.csv"), env)
    run(("import", "listens", sample / "listens.csv"), env)
    report = json.loads(run(("train", "--json"), env))
    assert report["published"]
    assert report["acoustic"] == "encoder"
    assert (report["tracks"], report["users"]) == (24, 40)
    recommended = json.loads(run(("recommend", "listener-0001", "-n", "3", "--json"), env))
    assert len(recommended["items"]) == 3
    run(("recommend", "--all-users", "-n", "5", "--out", out / "recs.parquet"), env)
    assert pd.read_parquet(out / "recs.parquet")["user_id"].nunique() == 40
    file = next((sample / "audio").glob("*.mp3"))
    found = json.loads(run(("similar", file, "-n", "3", "--json"), env))
    assert found["items"][0]["track_id"] == file.stem
    run(("map", "--out", out / "map.html"), env)


def await_audio_worker(service: Served) -> None:
    """Wait until the process that hears has loaded TensorFlow, which takes a busy machine long."""
    end = time.monotonic() + 120
    while service.get("/readyz")["audio"] != "ok":
        assert time.monotonic() < end, "the audio worker does not start"
        time.sleep(0.2)


def ask_everything(sample: Path, env: dict[str, str]) -> None:
    with serving(env) as service:
        status, health = service.ask("/readyz")
        assert status == 200, health
        path = "/v1/users/listener-0001/recommendations?n=4"
        first = service.get(path)
        assert first["cache"] == "miss"
        assert len(first["items"]) == 4
        again = service.get(path)
        assert again["cache"] == "hit"
        assert ids(again) == ids(first)

        # A play makes the next answer new, and takes the track out of it.
        event = {"user_id": "listener-0001", "track_id": ids(first)[0], "event": "listen"}
        assert service.post("/v1/events", {"events": [event]})[0] == 202
        fresh = service.get(path)
        assert fresh["cache"] == "miss"
        assert ids(first)[0] not in ids(fresh)

        assert service.get("/v1/users/nobody/recommendations")["fallback"] == "popular"
        seeds = {"seed_tracks": ids(first)[:2], "n": 3}
        status, anonymous = service.post("/v1/recommendations", seeds)
        assert status == 200
        assert not set(ids(first)[:2]) & set(ids(anonymous))
        track = ids(first)[0]
        assert track not in ids(service.get(f"/v1/tracks/{track}/similar?n=3"))
        assert service.get(f"/v1/tracks/{track}")["track_id"] == track
        assert len(service.get(f"/v1/tracks/{track}/listeners?n=3")["items"]) == 3
        assert service.get("/v1/popular?n=2")["items"]
        assert service.get("/v1/new?n=2")["items"]
        await_audio_worker(service)
        file = next((sample / "audio").glob("*.mp3"))
        status, looked_up = service.upload("/v1/lookup?n=3", file)
        assert status == 200, looked_up
        assert ids(looked_up)[0] == file.stem
        assert looked_up["listeners"]
        status, audio = service.ask(f"/v1/tracks/{file.stem}/audio")
        assert status == 200
        assert audio == file.read_bytes()
        status, problem = service.upload("/v1/lookup", sample / "tracks.csv")
        assert status == 422
        assert "tracks.csv" in problem["detail"] or "upload" in problem["detail"]
        status, page = service.ask("/")
        assert status == 200
        assert b"<!doctype html>" in page.lower()


def test_on_sqlite_and_embedded_redis(sample: Path, tmp_path: Path) -> None:
    env = environment(tmp_path / "home")
    go(sample, env, tmp_path)
    ask_everything(sample, env)


def test_on_postgresql_and_a_redis_of_its_own(
    sample: Path, tmp_path: Path, postgres_url: str
) -> None:
    extra = {"SEGUE_DATA__DATABASE_URL": postgres_url}
    if os.environ.get("SEGUE_TEST_REDIS_URL"):
        extra["SEGUE_REDIS_URL"] = os.environ["SEGUE_TEST_REDIS_URL"]
    env = environment(tmp_path / "home", **extra)
    go(sample, env, tmp_path)
    ask_everything(sample, env)
    assert not (tmp_path / "home" / "segue.db").exists()


def test_the_demo_says_what_to_try(sample: Path, tmp_path: Path) -> None:
    """The sample of the demo is in the home already, so that it need not be composed again."""
    home = tmp_path / "home"
    home.mkdir()
    words = ["--styles", "2", "--artists", "3", "--tracks", "4", "--seconds", "4", "--users", "40"]
    env = environment(home)
    with serving(env, "demo", *words) as service:
        assert service.get("/v1/popular?n=1")["items"]
    listed = json.loads(run(("bundle", "list", "--json"), env))["items"]
    with serving(env, "demo", *words):  # a second run starts from what is there
        pass
    assert json.loads(run(("bundle", "list", "--json"), env))["items"] == listed


def test_one_bad_file_among_many_never_stops_a_run(sample: Path, tmp_path: Path) -> None:
    tracks = pd.read_csv(sample / "tracks.csv")
    tracks["audio_path"] = [str(sample / p) for p in tracks["audio_path"]]
    good = Path(tracks["audio_path"][0]).read_bytes()
    bad = {"text.mp3": b"no music at all", "empty.mp3": b"", "cut.mp3": good[:200]}
    for name, content in bad.items():
        (tmp_path / name).write_bytes(content)
        tracks.loc[len(tracks), ["track_id", "audio_path"]] = [name, str(tmp_path / name)]
    tracks.loc[len(tracks), ["track_id", "audio_path"]] = ["gone", str(tmp_path / "gone.mp3")]
    tracks.to_csv(tmp_path / "tracks.csv", index=False)
    env = environment(tmp_path / "home")
    run(("import", "tracks", tmp_path / "tracks.csv"), env)
    report = json.loads(run(("train", "--json"), env))
    assert report["published"]
    assert {row["track_id"] for row in report["bad_files"]} == {*bad, "gone"}
    again = json.loads(run(("embed", "--json"), env))
    assert (again["embedded"], again["reused"]) == (0, 24)


@pytest.mark.parametrize("words", [("serve",), ("recommend", "x")])
def test_an_empty_home_says_what_to_do(tmp_path: Path, words: tuple[str, ...]) -> None:
    complaint = run(words, environment(tmp_path / "home"), status=1)
    assert "segue train" in complaint
    assert len(complaint.strip().splitlines()) == 1
