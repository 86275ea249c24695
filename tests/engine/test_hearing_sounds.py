"""What the systems hear: passages, vectors, and what changes of the sound do to them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from audio_model.clips import Clip
from audio_model.config import AudioConfig
from audio_model.features import mel_mfcc_summary
from audio_model.keras_encoder import KerasEncoder
from data import AudioError, DataError
from engine.hearing.changes import CHANGES, MP3, write_changed
from engine.hearing.gallery import PASSAGES, Gallery, mel_key, middles, standard
from engine.hearing.robustness import measure_robustness
from engine.hearing.systems import (
    Part,
    Scale,
    System,
    Vectors,
    encoder_system,
    hear_gallery,
    mfcc_system,
    random_system,
)
from tests.engine.sounds import TINY, chord

STANDARD = standard(AudioConfig())
SILENT = lambda *_: None  # noqa: E731


def gallery_of(directory: Path, frames: list[int]) -> Gallery:
    clips = [Clip(directory / f"{i}.wav", f"{i:064}", n) for i, n in enumerate(frames)]
    return Gallery({mel_key(STANDARD): clips}, directory, reference=STANDARD)


class TestPassages:
    def test_evenly_spread_moments(self, tmp_path: Path) -> None:
        gallery = gallery_of(tmp_path, [50, 2 * 129, 10_000 * 129])
        assert gallery.owners.tolist() == [0] + [1] * 2 + [2] * PASSAGES
        second = 512 / 22_050
        assert gallery.moments[0].tolist() == [25 * second]  # of sound shorter than a chunk
        assert gallery.moments[1] == pytest.approx([64.5 * second, 193.5 * second])
        ends = gallery.moments[2][[0, -1]] / second
        assert ends == pytest.approx([64.5, 9_999 * 129 + 64.5])

    def test_a_system_answers_with_its_nearest_chunk(self, tmp_path: Path) -> None:
        gallery = gallery_of(tmp_path, [10 * 129])
        (own,) = gallery.nearest_chunks(STANDARD)
        assert own.tolist() == list(range(10))
        # Three chunks of 10 s, middles at frames 215, 645 and 1075; moments every 129 frames.
        longer = STANDARD.model_copy(update={"chunk_frames": 430})
        (picked,) = gallery.nearest_chunks(longer)
        assert picked.tolist() == [0, 0, 0, 1, 1, 1, 1, 2, 2, 2]

    def test_other_hops_are_other_frames_of_the_same_second(self) -> None:
        half = STANDARD.model_copy(update={"hop_length": 256, "chunk_frames": 258})
        assert middles(2 * 1290, half).tolist() == middles(1290, STANDARD).tolist()

    def test_a_cache_that_loses_files_is_an_error(self, tmp_path: Path) -> None:
        with pytest.raises(DataError, match=r"'0\.wav' has gone from the cache"):
            list(gallery_of(tmp_path, [69]).mels(STANDARD))


@pytest.fixture(scope="module")
def sounds(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    directory = tmp_path_factory.mktemp("sounds")
    return [
        chord(directory / f"{i}.wav", base=110 * 2**i, seconds=(1.6, 12)[i == 2], seed=i)
        for i in range(3)
    ]


@pytest.fixture(scope="module")
def gallery(sounds: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Gallery:
    cache = tmp_path_factory.mktemp("mel")
    return Gallery.read(sounds, cache, configs=[STANDARD, TINY, TINY])


class TestSystems:
    def test_what_one_cannot_use_is_left_out_for_all(
        self, sounds: list[Path], tmp_path: Path
    ) -> None:
        told = []
        patient = TINY.model_copy(update={"min_duration": 5.0})
        gallery = Gallery.read(
            sounds,
            tmp_path,
            configs=[STANDARD, patient],
            on_bad_file=lambda path, _: told.append(path),
        )
        assert gallery.paths == sounds[2:]
        assert told == sounds[:2]
        assert [len(list(gallery.mels(c))) for c in (STANDARD, patient)] == [1, 1]

    def test_mfccs_are_standardised_over_the_gallery(self, gallery: Gallery) -> None:
        vectors = hear_gallery(mfcc_system(STANDARD), gallery, SILENT, label="")
        raw = np.stack([mel_mfcc_summary(mel) for mel in gallery.mels(STANDARD)])
        np.testing.assert_allclose(
            vectors.tracks, (raw - raw.mean(axis=0)) / raw.std(axis=0), atol=1e-4
        )
        assert vectors.passages.shape == (1 + 1 + 4, 40)
        assert vectors.passages.std(axis=0) == pytest.approx(1, abs=1e-4)

    def test_an_encoder_hears_each_track_by_itself(self, gallery: Gallery) -> None:
        encoder = KerasEncoder.untrained(TINY)
        told: list[tuple[int, int, str]] = []
        vectors = hear_gallery(
            encoder_system("x", encoder), gallery, lambda *t: told.append(t), label="x"
        )
        expected = [encoder.embed_mel(mel) for mel in gallery.mels(TINY)]
        np.testing.assert_allclose(vectors.tracks, expected, atol=1e-6)
        assert told == [(i, 3, "x: embedding") for i in (1, 2, 3)]

    def test_random_does_not_listen(self, gallery: Gallery) -> None:
        one, same, other = (
            hear_gallery(random_system(STANDARD, seed), gallery, SILENT, label="")
            for seed in (0, 0, 1)
        )
        assert one.tracks.tolist() == same.tracks.tolist() != other.tracks.tolist()
        assert len(one.passages) == len(gallery.owners)

    def test_the_scale_of_columns(self) -> None:
        values = np.array([[1, 0.1, 5], [3, 0.1, 5], [5, 0.1, 8]], np.float32)
        got = Scale.of(values).apply(values)
        np.testing.assert_allclose(got[:, 0], [-np.sqrt(1.5), 0, np.sqrt(1.5)], rtol=1e-6)
        assert got[:, 1].tolist() == [0, 0, 0]
        np.testing.assert_allclose(got[:, 2], np.array([-1, -1, 2]) / np.sqrt(2), rtol=1e-6)


def tones(rate: int, seconds: float = 12) -> np.ndarray:
    time = np.arange(round(rate * seconds)) / rate
    low, high = (0.25 * np.sin(2 * np.pi * hertz * time) for hertz in (1_000, 10_000))
    return (low + high).astype(np.float32)


def level(y: np.ndarray, hertz: int, rate: int) -> float:
    """Amplitude of a tone, away from the edges of the sound."""
    middle = y[rate // 2 : rate // 2 + rate]
    return float(2 * np.abs(np.fft.rfft(middle)[hertz]) / len(middle))


class TestChanges:
    def changed(self, name: str, path: Path, rate: int = 22_050) -> np.ndarray:
        write_changed(tones(rate), rate, change=name, path=path)
        y, found = sf.read(path)
        assert found == rate
        return y

    def test_gain(self, tmp_path: Path) -> None:
        y = self.changed("gain -12 dB", tmp_path / "x.wav")
        assert level(y, 1_000, 22_050) == pytest.approx(0.25 * 10**-0.6, rel=1e-3)

    def test_cut(self, tmp_path: Path) -> None:
        y = self.changed("first 10 s cut", tmp_path / "x.wav")
        assert y.tolist() == tones(22_050)[220_500:].tolist()

    @pytest.mark.parametrize("rate", [22_050, 44_100])
    def test_band(self, rate: int, tmp_path: Path) -> None:
        y = self.changed("nothing over 8 kHz", tmp_path / "x.wav", rate)
        assert level(y, 1_000, rate) == pytest.approx(0.25, rel=1e-3)
        assert level(y, 10_000, rate) < 1e-4

    @pytest.mark.parametrize("rate", [8_000, 11_025, 16_000, 22_050, 44_100, 48_000])
    def test_mp3(self, rate: int, tmp_path: Path) -> None:
        path = tmp_path / "x.mp3"
        y = self.changed(MP3, path, rate)
        assert path.stat().st_size * 8 / 12 == pytest.approx(64_000, rel=0.03)
        assert level(y, 1_000, rate) == pytest.approx(0.25, rel=0.1)

    @pytest.mark.parametrize(("rate", "becomes"), [(96_000, 48_000), (5_000, 8_000)])
    def test_mp3_of_rates_that_it_does_not_know(
        self, rate: int, becomes: int, tmp_path: Path
    ) -> None:
        path = tmp_path / "x.mp3"
        write_changed(tones(rate), rate, change=MP3, path=path)
        y, found = sf.read(path)
        assert found == becomes
        assert level(y, 1_000, becomes) == pytest.approx(0.25, rel=0.1)


class TestRobustness:
    def measured(self, sounds: list[Path], parts: list[Part], work: Path):  # type: ignore[no-untyped-def]
        return measure_robustness({"x": parts}, sounds, np.arange(3), directory=work)["x"]

    def test_the_baseline(self, sounds: list[Path], gallery: Gallery, tmp_path: Path) -> None:
        system = mfcc_system(STANDARD)
        vectors = hear_gallery(system, gallery, SILENT, label="")
        got = self.measured(sounds, [Part(np.arange(3), system, vectors)], tmp_path)
        unit = vectors.tracks / np.linalg.norm(vectors.tracks, axis=1, keepdims=True)
        cosines = (unit @ unit.T)[~np.eye(3, dtype=bool)]
        assert got.others == pytest.approx(cosines.mean(), abs=1e-6)
        assert list(got.changes) == list(CHANGES)
        gain = got.changes["gain -12 dB"]
        assert (gain.tracks, gain.found) == (3, 1)
        assert gain.low == pytest.approx(1, abs=1e-3)  # a level is without effect
        assert got.changes["first 10 s cut"].tracks == 1  # the others last 1.6 s
        assert not list(tmp_path.glob("*/*.wav"))  # the changed files are gone

    def test_by_hand_and_each_part_by_itself(self, sounds: list[Path], tmp_path: Path) -> None:
        def always(direction: list[float]) -> System:
            def hear(mels: Iterable[np.ndarray]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
                for _ in mels:
                    yield np.array(direction, np.float32), np.zeros((1, 2), np.float32)

            return System("x", TINY, hear)

        nothing = np.zeros((0, 2), np.float32)
        gallery = Vectors(np.array([[1, 0], [0, 1], [0.6, 0.8]], np.float32), nothing)
        parts = [
            Part(np.array([0, 1]), always([1, 0]), gallery),
            Part(np.array([2]), always([0.6, 0.8]), gallery),
        ]
        got = self.measured(sounds, parts, tmp_path)
        # Of track 0: 0 and .6; of 1: 0 and .8; of 2: .6 and .8.
        assert got.others == pytest.approx((0.3 + 0.4 + 0.7) / 3, abs=1e-6)
        gain = got.changes["gain -12 dB"]  # to itself: 1, 0 and 1; the second finds the first
        assert gain.mean == pytest.approx(2 / 3, abs=1e-6)
        assert gain.low == pytest.approx(0.1, abs=1e-6)  # a tenth of the way from 0 to 1
        assert gain.found == pytest.approx(2 / 3)

    def test_a_file_that_has_gone_is_left_out(
        self, sounds: list[Path], gallery: Gallery, tmp_path: Path
    ) -> None:
        system = mfcc_system(STANDARD)
        parts = [Part(np.arange(3), system, hear_gallery(system, gallery, SILENT, label=""))]
        gone = [tmp_path / "gone.wav"]
        got = self.measured(sounds[:2] + gone, parts, tmp_path)
        assert got.changes["gain -12 dB"].tracks == 2
        with pytest.raises(AudioError, match=r"gone\.wav' does not exist"):
            self.measured(gone * 3, parts, tmp_path)

    def test_no_track_no_robustness(self, sounds: list[Path], tmp_path: Path) -> None:
        assert measure_robustness({}, sounds, np.arange(0), directory=tmp_path) == {}
