"""The measurement of duplicates, on tunes; and training, which finds them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile as sf

from audio_model.config import AudioConfig
from data.config import DataConfig
from data.errors import DataError
from data.store import Store
from engine.bundle import BundleRegistry
from engine.config import Sections
from engine.duplicates.changes import KINDS
from engine.duplicates.evaluation import TOGETHER, evaluate_duplicates
from engine.duplicates.report import render_duplicates
from engine.home import Home
from engine.training import train
from tests.audio_model.tunes import SR, tune
from tests.engine.conftest import CF
from tests.engine.sounds import TINY

CONFIG = AudioConfig(n_mels=48)


@pytest.fixture(scope="module")
def tunes(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, Path]]:
    """Four tunes of 24 s, the last one the first without its beginning; and no sound."""
    directory = tmp_path_factory.mktemp("tunes")
    sounds = [tune(i, seconds=24) for i in range(3)]
    sounds.append(0.5 * sounds[0][5 * SR :])
    files = []
    for i, y in enumerate(sounds):
        sf.write(directory / f"{i}.flac", y, SR)
        files.append((f"t{i}", directory / f"{i}.flac"))
    (directory / "bad.mp3").write_bytes(b"no sound")
    return [*files, ("bad", directory / "bad.mp3")]


def test_everyday_changes_are_found_and_counted(tunes: list[tuple[str, Path]]) -> None:
    bad: list[str] = []
    told: list[tuple[int, int, str]] = []
    report = evaluate_duplicates(
        tunes,
        CONFIG,
        sample=2,
        half="first",
        progress=lambda *now: told.append(now),
        on_bad_file=lambda *fault: bad.append(fault[0]),
    )
    assert bad == ["bad"]
    assert {what for _, _, what in told} == {"reading sound", "changing sound"}
    assert (report.tracks, report.sampled) == (4, 2)
    assert [(a, b) for a, b, _ in report.own] == [("t0", "t3")]
    assert [score.kind for score in report.scores] == [*KINDS, TOGETHER]
    for score in report.scores[:-1]:
        if score.same:
            assert (score.pairs, score.found, score.mistaken) == (2, 2, 0), score.kind
            assert score.worst is not None
            assert 0 <= score.worst < 0.3
    last = report.scores[-1]
    kinds = sum(kind.same for kind in KINDS.values())
    assert last.pairs == 2 * (kinds * (kinds + 1) // 2)  # the original, and each with each
    assert last.mistaken == 0
    text = render_duplicates(report)
    assert "Changed: 2 of 4 files, of the first half." in text
    assert "t0 and t3 (error" in text
    assert "MP3, 64 kbit/s" in text


def test_too_few_files_are_refused(tunes: list[tuple[str, Path]]) -> None:
    with pytest.raises(DataError, match="Two usable sound files are needed"):
        evaluate_duplicates([tunes[0], tunes[-1]], CONFIG)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(DataConfig().url(Home(tmp_path / "home").create().root)) as opened:
        yield opened


def test_training_groups_the_same_recording(
    tunes: list[tuple[str, Path]], store: Store, tmp_path: Path
) -> None:
    home = Home(tmp_path / "home")
    rows = [(track, str(path)) for track, path in tunes]
    store.put_tracks([pd.DataFrame(rows, columns=["track_id", "audio_path"])])
    report = train(home, store, Sections(cf=CF, audio=TINY))
    assert report.published
    assert report.duplicates == 1
    assert "duplicates" in report.seconds
    bundle = BundleRegistry(home.bundles).open_current()
    assert bundle.manifest.metrics["duplicates"] == 1
    known, tracks = bundle.contents.duplicates, bundle.contents.catalog.tracks
    assert known is not None
    assert [tracks.ids(group) for group in known.groups()] == [["t0", "t3"]]
    assert known.recordings.lengths[tracks.index("bad")] == 0
    assert np.count_nonzero(known.recordings[tracks.index("t3")]) > 100
