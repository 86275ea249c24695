import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp

from audio_model.cache import MelCache
from audio_model.config import AudioConfig
from audio_model.keras_encoder import KerasEncoder
from audio_model.kin import Kin, label_codes
from audio_model.recipes import RECIPES
from audio_model.training import train_encoder
from data.errors import AudioError, ParameterError

from .conftest import SR, chirp

ROOT = Path(__file__).parents[2]


@pytest.fixture
def files(tmp_path, sound, tiny) -> list[Path]:
    rng = np.random.default_rng(0)
    for i in range(4):
        noise = rng.normal(0, 0.05, 2 * SR).astype(np.float32)
        sound(f"{i}.wav", chirp(2.0, low=100 * 2**i, high=300 * 2**i) + noise)
    paths = sorted(tmp_path.glob("*.wav"))  # 5 chunks each: 5 steps an epoch
    for path in paths:  # so that no test but one has to start workers
        MelCache(tmp_path / "mel", tiny).mel(path)
    return paths


def test_training_killed_at_any_moment_ends_as_if_undisturbed(tmp_path, files):
    script = [sys.executable, "-m", "tests.audio_model.train_script"]
    command = [*script, "start", str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout:
            if line.startswith("13 50 training"):
                process.kill()
                break
    assert process.returncode == -signal.SIGKILL
    command = [*script, "end", str(tmp_path)]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    disturbed, undisturbed = said.split("UNDISTURBED")
    starts = [int(n) for n in re.findall(r"goes on from step (\d+) of 50", disturbed)]
    assert starts[0] in (12, 13, 14)  # no more than the step that was under way is lost
    assert starts[1:] == [20, 29, 30]
    assert "goes on" not in undisturbed
    assert undisturbed.endswith("\nsame\n")


def test_training_learns_to_recognise_a_chunk(tmp_path, files, tiny):
    losses: list[float] = []

    def note(done: int, total: int, what: str) -> None:
        losses.append(float(what.rsplit(maxsplit=1)[-1]))

    config = AudioConfig(**{**tiny.model_dump(), "epochs": 12})
    cache = MelCache(tmp_path / "mel", config)
    encoder = train_encoder(
        files, config, checkpoint_dir=tmp_path / "c", cache=cache, progress=note
    )
    assert len(losses) == 60
    assert np.mean(losses[-10:]) < 0.7 * np.mean(losses[:5])
    assert encoder.fingerprint != KerasEncoder.untrained(config).fingerprint
    assert encoder.recipe.epochs == 12
    again: list[float] = []
    same = train_encoder(
        files, config, checkpoint_dir=tmp_path / "c", cache=cache, progress=again.append
    )
    assert again == []  # training that has ended is not done again
    assert same.fingerprint == encoder.fingerprint


def test_bad_files_are_reported_and_skipped(tmp_path, files, tiny):
    bad = tmp_path / "bad.mp3"
    bad.write_text("no music")
    reported: dict[Path, str] = {}
    config = AudioConfig(**{**tiny.model_dump(), "max_steps": 2})
    steps = []
    train_encoder(
        [bad, *files],
        config,
        checkpoint_dir=tmp_path / "c",
        cache=MelCache(tmp_path / "mel", config),
        on_bad_file=reported.__setitem__,
        progress=lambda done, total, what: steps.append((done, total, what.split(",")[0])),
    )
    assert list(reported) == [bad]
    assert "is not in a format that can be read" in reported[bad]
    assert steps[-2:] == [(1, 2, "training the encoder"), (2, 2, "training the encoder")]


def test_no_usable_file(tmp_path, tiny):
    with pytest.raises(AudioError, match="None of 1 sound files can be used for training"):
        train_encoder(
            [tmp_path / "missing.wav"],
            tiny,
            checkpoint_dir=tmp_path,
            cache=MelCache(tmp_path / "mel", tiny),
        )


def test_a_cache_of_other_settings_is_refused(tmp_path, tiny, config):
    with pytest.raises(ParameterError, match="has other mel settings"):
        train_encoder([], tiny, checkpoint_dir=tmp_path, cache=MelCache(tmp_path, config))


def test_a_full_time_box_ends_training_and_a_larger_one_goes_on(tmp_path, files, tiny, caplog):
    cache = MelCache(tmp_path / "mel", tiny)
    steps: list[int] = []

    def train(**settings: float) -> None:
        config = AudioConfig(**{**tiny.model_dump(), **settings})
        train_encoder(
            files,
            config,
            checkpoint_dir=tmp_path / "c",
            cache=cache,
            progress=lambda n, _, what: steps.append(n) if "training" in what else None,
        )

    train(max_seconds=1e-9)
    assert steps == [1]
    train(max_seconds=1000)
    assert steps == list(range(1, 11))
    train(seed=5)
    assert "of other settings or sound: training starts afresh" in caplog.text
    assert steps[10:] == list(range(1, 11))


def test_crops_learn_resume_and_end_the_same(tmp_path, files, tiny_crops):
    cache = MelCache(tmp_path / "mel", tiny_crops)
    moments = [3]

    def interrupt(done: int, _: int, what: str) -> None:
        if "training" in what and done in moments:
            moments.clear()
            raise KeyboardInterrupt

    def train(where: str, **options: object) -> KerasEncoder:
        work, settings = tmp_path / where, tiny_crops.model_copy(update={"checkpoint_seconds": 0.0})
        return train_encoder(files, settings, checkpoint_dir=work, cache=cache, **options)

    with pytest.raises(KeyboardInterrupt):
        train("killed", progress=interrupt)
    resumed, undisturbed = train("killed"), train("other")
    assert resumed.fingerprint == undisturbed.fingerprint
    assert resumed.fingerprint != KerasEncoder.untrained(tiny_crops).fingerprint


def test_whitening_waits_for_enough_sound(tmp_path, files, tiny_crops, monkeypatch):
    cache = MelCache(tmp_path / "mel", tiny_crops)

    def whitening(where: str) -> np.ndarray:
        encoder = train_encoder(files, tiny_crops, checkpoint_dir=tmp_path / where, cache=cache)
        (kernel,) = encoder.weights[-2:-1]
        return kernel

    np.testing.assert_array_equal(whitening("few"), np.eye(128))
    monkeypatch.setattr("audio_model.learner._FEWEST", 20)  # the files have 20 chunks
    kernel = whitening("enough")
    assert np.abs(kernel - np.eye(128)).max() > 0.1
    np.testing.assert_allclose(kernel, kernel.T, atol=1e-5)


def test_artists_count_when_training_starts_from_an_encoder(tmp_path, files, tiny_crops):
    cache, start = MelCache(tmp_path / "mel", tiny_crops), KerasEncoder.untrained(tiny_crops)

    def train(kin: Kin | None, **options: object) -> str:
        config, work = tiny_crops.model_copy(update=options), tmp_path / "work"
        shutil.rmtree(work, ignore_errors=True)
        encoder = train_encoder(
            files, config, checkpoint_dir=work, cache=cache, kin=kin, start=start
        )
        return encoder.fingerprint

    def by(*artists: str | None) -> Kin:
        return Kin((label_codes(artists),))

    alone = train(None)
    assert train(by(None, "", None, None)) == alone  # the unknown are nobody's
    assert train(by("One", "one ", "Two", "two")) == train(by("a", "a", "b", "b")) != alone
    assert train(by("a", "a", "b", "b"), kin_weight=0) != train(by("a", "a", "b", "b"))


def test_what_training_found_is_averaged_with_the_weights_before(
    tmp_path, files, tiny_crops, monkeypatch
):
    cache, start = MelCache(tmp_path / "mel", tiny_crops), KerasEncoder.untrained(tiny_crops)

    def train(share: float, start: KerasEncoder | None) -> KerasEncoder:
        crops = RECIPES["crops"]
        tuning = crops.tuning.model_copy(update={"share": share})
        recipes = {"crops": crops.model_copy(update={"tuning": tuning})}
        monkeypatch.setattr("audio_model.recipes.RECIPES", recipes)
        work = tmp_path / f"{share} {start is None}"
        return train_encoder(files, tiny_crops, checkpoint_dir=work, cache=cache, start=start)

    found, mean = train(1.0, start), train(0.25, start)
    assert mean.recipe.share == 0.25
    for before, alone, both in zip(start.weights, found.weights, mean.weights, strict=True):
        np.testing.assert_allclose(both, 0.75 * before + 0.25 * alone, atol=1e-6)
    assert mean.fingerprint not in (start.fingerprint, found.fingerprint)
    # What starts from nothing has nothing to be averaged with.
    assert train(0.25, None).fingerprint == train(1.0, None).fingerprint


def test_the_kin_of_files_that_cannot_be_used_goes_with_them(tmp_path, files, tiny_crops):
    bad = tmp_path / "bad.mp3"
    bad.write_text("no music")
    cache, start = MelCache(tmp_path / "mel", tiny_crops), KerasEncoder.untrained(tiny_crops)
    near = sp.csr_matrix(np.eye(5, dtype=bool)[[1, 0, 2, 4, 3]])
    whole = Kin((np.array([5, 5, 7, 8, 8]),), near)
    part = Kin((np.array([5, 7, 8, 8]),), near[[0, 2, 3, 4]][:, [0, 2, 3, 4]])
    prints = [
        train_encoder(
            paths, tiny_crops, checkpoint_dir=tmp_path / name, cache=cache, kin=kin, start=start
        ).fingerprint
        for name, paths, kin in (
            ("whole", [files[0], bad, *files[1:]], whole),
            ("part", files, part),
        )
    ]
    assert prints[0] == prints[1]
