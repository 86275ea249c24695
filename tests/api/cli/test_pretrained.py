"""A home that never trained an encoder, and one whose settings ask for another."""

from __future__ import annotations

from pathlib import Path

import pytest

from audio_model.pretrained import pretrained_directory
from audio_model.saved import read_description
from tests.api.cli.conftest import Segue
from tests.engine.sounds import make_tracks

SHIPPED = read_description(pretrained_directory()).fingerprint


@pytest.fixture
def sounds(tmp_path: Path) -> Path:
    """A tracks file of six short sounds, even ones low and odd ones high."""
    path = tmp_path / "sounds.csv"
    make_tracks(tmp_path).to_csv(path, index=False)
    return path


@pytest.fixture
def imported(segue: Segue, sounds: Path, monkeypatch: pytest.MonkeyPatch) -> Segue:
    """A command line whose home holds those tracks, and nothing else."""
    monkeypatch.setenv("SEGUE_AUDIO__THREADS", "1")
    assert segue("import", "tracks", sounds).status == 0
    return segue


def test_a_file_is_placed_without_training_anything(imported: Segue, tmp_path: Path) -> None:
    file = tmp_path / "s0.wav"
    early = imported("similar", file)
    assert early.status == 1
    assert "no track is embedded" in early.complaint
    assert "`segue embed`" in early.complaint

    embedded = imported("embed", "--json", "--workers", 1)
    assert embedded.json == {"embedded": 6, "reused": 0, "bad": []}
    assert "Hearing with the pretrained encoder" in embedded.err
    assert (tmp_path / "home" / "encoders" / SHIPPED).is_dir()

    found = imported("similar", file, "--json").json
    assert found["bundle"] is None
    assert found["listeners"] == []
    assert found["items"][0]["track_id"] == "s0"
    assert found["items"][0]["score"] == pytest.approx(1, abs=1e-3)
    of_track = imported("similar", "s1", "--json").json
    assert len(of_track["items"]) == 5

    report = imported("train", "--json", "--workers", 1).json
    assert report["published"]
    assert "encoder" not in report["seconds"]
    again = imported("similar", file, "--json").json
    assert again["bundle"] == report["bundle"]
    assert again["items"] == found["items"]


def test_training_from_scratch_and_back(
    imported: Segue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"MAX_STEPS": "1", "BATCH_SIZE": "2", "SEED": "5"}.items():
        monkeypatch.setenv(f"SEGUE_AUDIO__{name}", value)
    pointer = tmp_path / "home" / "encoders" / "current"
    tuned = imported("train", "audio", "--workers", 1)
    assert tuned.status == 0
    assert "from the pretrained weights" in tuned.err
    first = pointer.read_text()
    scratch = imported("train", "audio", "--from-scratch", "--workers", 1)
    assert scratch.status == 0
    assert "from initial weights" in scratch.err
    assert len({first, pointer.read_text(), SHIPPED}) == 3
    again = imported("train", "audio", "--from", pretrained_directory(), "--workers", 1)
    assert again.status == 0
    assert f"from the weights in {str(pretrained_directory())!r}." in again.err
    assert pointer.read_text() == first  # the same weights, files and seed
    assert "pretrained" not in imported("embed").err  # the home's own goes on hearing
    assert imported("embed", "--pretrained", "--workers", 1).status == 0
    assert pointer.read_text() == SHIPPED


def test_settings_of_another_encoder_ask_for_training(
    imported: Segue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEGUE_AUDIO__N_MELS", "32")
    monkeypatch.setenv("SEGUE_AUDIO__MAX_STEPS", "1")
    embedded = imported("embed")
    assert embedded.status == 1
    assert "There is no encoder yet" in embedded.complaint
    assert "made for other settings: `audio.n_mels`" in embedded.complaint
    refused = imported("embed", "--pretrained")
    assert refused.status == 2
    assert "at their defaults" in refused.complaint
    trained = imported("train", "--workers", 1, "--json")
    assert trained.status == 0
    assert "made for other settings: `audio.n_mels`" in trained.err
    assert "encoder" in trained.json["seconds"]
    assert imported("embed", "--json").json["reused"] == 6
