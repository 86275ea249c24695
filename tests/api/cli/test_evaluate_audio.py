from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from audio_model.pretrained import pretrained_directory
from tests.api.cli.conftest import Segue
from tests.engine.sounds import TINY, chord


@pytest.fixture
def sounds(segue: Segue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Segue:
    """A command line whose home holds three artists of four tracks."""
    rows = []
    for i in range(12):
        path = chord(tmp_path / f"s{i}.wav", base=110 * 2 ** (i // 4), seconds=1.6, seed=i)
        rows.append((f"s{i}", f"Artist {i // 4}", str(path)))
    file = tmp_path / "tracks.csv"
    pd.DataFrame(rows, columns=["track_id", "artist", "audio_path"]).to_csv(file, index=False)
    assert segue("import", "tracks", file).status == 0
    for name in ("n_mels", "chunk_frames", "max_steps", "batch_size", "threads"):
        monkeypatch.setenv(f"SEGUE_AUDIO__{name}".upper(), str(getattr(TINY, name)))
    return segue


SHORT = ("evaluate", "audio", "--workers", 1, "--changed", 2)
BASICS = ("--system", "mfcc", "--system", "untrained")


def test_measures_and_changes_nothing_that_is_served(sounds: Segue, tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    shown = sounds(*SHORT, "--json", file)
    assert shown.status == 0
    assert "Asked: 12 tracks, all of 3 of the 3 artists" in shown.out
    assert "pretrained / mfcc" in shown.out
    assert "Trained" not in shown.out
    home = tmp_path / "home"
    assert not (home / "work" / "evaluate-audio").exists()
    assert not (home / "encoders").exists()
    assert not (home / "bundles").exists()
    printed = sounds(*SHORT, "--json", "-").json
    assert printed == json.loads(file.read_text())
    assert set(printed["skipped"]) == {
        "tracks, other albums",
        "chunks, other albums",
        "genre",
        "genre, other artists",
    }
    assert list(printed["robustness"]) == ["mfcc", "untrained", "pretrained"]


def test_trains_in_folds(sounds: Segue) -> None:
    words = (*SHORT, *BASICS, "--train", "article", "--max-seconds", 100)
    report = sounds(*words, "--folds", 3, "--json", "-").json
    assert [fold["tracks"] for fold in report["training"]["article"]] == [8, 8, 8]
    assert report["sections"][0]["queries"] == 12
    shown = sounds(*words)
    assert "Asked: 8 tracks, all of 2 of the 3 artists" in shown.out
    assert "Trained: article, once, on 4 tracks" in shown.out
    assert "article / mfcc" in shown.out


def test_says_when_there_are_no_plays_to_learn_from(
    sounds: Segue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEGUE_AUDIO__POSITIVES", '["artist", "listeners"]')
    trained = sounds(*SHORT, *BASICS, "--train", "article", "--max-seconds", 0.1)
    assert trained.status == 0
    assert "no two tracks share enough of them: there are 0 plays" in trained.err
    assert "plays" not in sounds(*SHORT, *BASICS).err


def test_compares_an_encoder_from_anywhere(sounds: Segue) -> None:
    directory = pretrained_directory()
    report = sounds(*SHORT, *BASICS, "--encoder", directory, "--json", "-").json
    systems = report["sections"][0]["systems"]
    assert list(systems) == ["mfcc", "untrained", directory.name]
    missing = sounds(*SHORT, "--encoder", directory / "none")
    assert missing.status == 1
    assert "There is no encoder in" in missing.complaint


def test_too_few_artists_are_one_line(segue: Segue, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    result = segue("evaluate", "audio")
    assert result.status == 1
    assert "Import tracks that have `artist` and `audio_path`." in result.complaint


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["evaluate", "--protocol", "random", "audio"], "--protocol does not go before 'audio'"),
        (["evaluate", "audio", "--train", "soup"], "'soup' is not "),
        (["evaluate", "audio", "--system", "article"], "'article' is not one of 'random'"),
        (["evaluate", "audio", "--folds", "0"], "0 is not in the range"),
        (["evaluate", "audio", "--test-fraction", "1"], "1.0 is not in the range"),
        (["evaluate", "audio", "--from", "x"], "`--from` is where `--train tuned` starts from"),
        (["evaluate", "sound"], "No such command 'sound'"),
    ],
)
def test_wrong_arguments(segue: Segue, words: list[str], message: str) -> None:
    result = segue(*words)
    assert result.status == 2
    assert message in result.complaint


def test_the_home_may_stand_before_the_word(segue: Segue, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    assert segue("evaluate", "--home", other, "audio").status == 1
    assert (other / "segue.db").is_file()
    assert not (tmp_path / "home").exists()


def test_evaluate_alone_loads_no_tensorflow() -> None:
    code = (
        "import sys; from api.cli.main import cli\n"
        "cli(['evaluate', '--help'], standalone_mode=False)\n"
        "sys.exit('tensorflow' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
