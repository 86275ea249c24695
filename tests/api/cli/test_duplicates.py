from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
import soundfile as sf

from engine.bundle import BundleRegistry, write_bundle
from tests.api.cli.conftest import Segue
from tests.audio_model.tunes import SR, tune
from tests.engine.prints import known_duplicates
from tests.engine.sounds import TINY

GROUPS = [0, 1, 4, 3, 4, 5, 6, 7, 4, 9, 10, 1]


@pytest.fixture
def grouped(trained: Segue, tmp_path: Path) -> Segue:
    """A home whose bundle knows that t01 and t11 are one recording, and t02, t04 and t08."""
    registry = BundleRegistry(tmp_path / "home" / "bundles")
    contents = replace(registry.open_current().contents, duplicates=known_duplicates(GROUPS))
    registry.publish(write_bundle(registry.root, contents))
    return trained


def test_groups_are_listed(grouped: Segue, tmp_path: Path) -> None:
    shown = grouped("duplicates")
    assert shown.status == 0
    lines = [line.split("\t") for line in shown.out.splitlines()]
    assert lines[0] == ["group", "track_id", "title", "artist", "album", "representative"]
    assert [line[:2] for line in lines[1:]] == [
        ["1", "t01"],
        ["1", "t11"],
        ["2", "t04"],
        ["2", "t02"],
        ["2", "t08"],
    ]
    printed = grouped("duplicates", "--json").json
    assert [[t["track_id"] for t in group["tracks"]] for group in printed["items"]] == [
        ["t01", "t11"],
        ["t04", "t02", "t08"],
    ]
    out = tmp_path / "duplicates.csv"
    assert grouped("duplicates", "--out", out).out == f"Wrote 5 tracks to {out}.\n"
    with out.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [(r["group"], r["track_id"], r["representative"]) for r in rows][:3] == [
        ("1", "t01", "1"),
        ("1", "t11", "0"),
        ("2", "t04", "1"),
    ]


def test_a_bundle_without_prints_says_so(trained: Segue) -> None:
    failed = trained("duplicates")
    assert failed.status == 1
    assert "no prints of recordings" in failed.complaint


def test_answers_hold_a_recording_once(grouped: Segue) -> None:
    items = grouped("similar", "t02", "--json").json["items"]
    found = {item["track_id"] for item in items}
    assert not found & {"t04", "t08"}
    assert len(found & {"t01", "t11"}) == 1


def test_finding_is_measured(segue: Segue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = []
    for i in range(2):
        path = tmp_path / f"{i}.wav"
        sf.write(path, tune(i), SR)
        rows.append((f"t{i}", str(path)))
    file = tmp_path / "tracks.csv"
    pd.DataFrame(rows, columns=["track_id", "audio_path"]).to_csv(file, index=False)
    assert segue("import", "tracks", file).status == 0
    monkeypatch.setenv("SEGUE_AUDIO__N_MELS", str(TINY.n_mels))
    report = tmp_path / "report.json"
    shown = segue("evaluate", "duplicates", "--sample", 1, "--workers", 1, "--json", report)
    assert shown.status == 0
    assert "Changed: 1 of 2 files." in shown.out
    printed = json.loads(report.read_text())
    scores = {score["kind"]: score for score in printed["scores"]}
    assert scores["MP3, 64 kbit/s"]["recall"] == 1
    assert scores["gain -12 dB"]["precision"] == 1
    # The tune lasts 12 s: a cut of more than 10 leaves too little to tell it by.
    assert scores["first 10 to 11 s cut"]["found"] == 0
