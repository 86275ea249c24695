from multiprocessing import active_children
from pathlib import Path

import numpy as np
import pytest

from audio_model.cache import MelCache
from audio_model.chunks import split_chunks
from audio_model.config import AudioConfig
from audio_model.embed import embed_files
from audio_model.encoder import Heard, aggregate
from audio_model.mel import sound_mel
from audio_model.recording import recording_print
from data.errors import ParameterError

from .conftest import chirp, tone
from .plain import PlainEncoder
from .readers import CrashingCache


class Report:
    """Collects what a run tells."""

    def __init__(self) -> None:
        self.vectors: dict[str, np.ndarray] = {}
        self.heard: dict[str, Heard] = {}
        self.bad: dict[str, str] = {}
        self.progress: list[tuple[int, int, str]] = []

    def take(self, track: str, heard: Heard) -> None:
        self.heard[track], self.vectors[track] = heard, heard.embedding

    def run(self, items, encoder, cache, **options) -> None:
        embed_files(
            items,
            encoder,
            cache,
            on_result=self.take,
            on_bad_file=lambda track, path, why: self.bad.__setitem__(track, f"{path.name}: {why}"),
            progress=lambda *step: self.progress.append(step),
            **options,
        )
        assert active_children() == []


@pytest.fixture
def items(sound) -> list[tuple[str, Path]]:
    return [(f"t{i}", sound(f"{i}.wav", tone(1 + i / 3, 200 * (i + 1)))) for i in range(8)]


@pytest.mark.parametrize("cached", [True, False])
def test_every_file_is_embedded_or_reported(tmp_path, tiny, items, sound, cached):
    text, short, missing = (tmp_path / n for n in ("text.mp3", "short.wav", "missing.mp3"))
    text.write_text("no music")
    items[2:2] = [("text", text), ("short", sound(short.name, chirp(0.2)))]
    items.append(("missing", missing))
    cache = MelCache(tmp_path / "mel", tiny) if cached else None
    report, encoder = Report(), PlainEncoder(tiny)
    report.run(items, encoder, cache, workers=2)
    assert set(report.vectors) == {f"t{i}" for i in range(8)}
    for track, path in items:
        if track in report.vectors:
            expected = encoder.embed_mel(sound_mel(path, tiny))
            np.testing.assert_allclose(report.vectors[track], expected, atol=1e-5)
    assert report.bad == {
        "text": f"text.mp3: {str(text)!r} is not in a format that can be read: "
        "MP3, OGG, FLAC, WAV and AIFF are.",
        "short": f"short.wav: {str(short)!r} lasts 0.20 s; at least 1 s is needed.",
        "missing": f"missing.mp3: {str(missing)!r} does not exist.",
    }
    assert report.progress == [(n, 11, "embedding") for n in range(1, 12)]
    assert (tmp_path / "mel").exists() == cached


def test_a_decoder_that_crashes_costs_one_file(tmp_path, tiny, items, sound):
    items.insert(1, ("crash", sound("crash.wav")))
    report = Report()
    report.run(items, PlainEncoder(tiny), CrashingCache(tmp_path / "mel", tiny))
    assert len(report.vectors) == 8
    assert list(report.bad) == ["crash"]
    assert "crashed its decoder (Segmentation fault)" in report.bad["crash"]


def test_chunks_of_several_tracks_are_predicted_together(tmp_path, sound):
    config = AudioConfig(n_mels=8, chunk_frames=8)
    items = [(str(i), sound(f"{i}.wav", tone(4, 300 + i))) for i in range(10)]  # 22 chunks each
    report, encoder = Report(), PlainEncoder(config)
    report.run(items, encoder, None)
    assert encoder.batches == [64, 64, 64, 28]
    assert len(report.vectors) == 10


@pytest.mark.parametrize("cached", [True, False])
def test_all_that_is_heard_of_tracks_long_and_short(tmp_path, sound, cached):
    config = AudioConfig(n_mels=8, chunk_frames=8)
    seconds = [1, 40, 2, 1, 35]  # 5 to 215 chunks: batches of 64 begin and end within tracks
    items = [(str(i), sound(f"{i}.wav", chirp(s, high=900 + i))) for i, s in enumerate(seconds)]
    report, encoder = Report(), PlainEncoder(config)
    report.run(items, encoder, MelCache(tmp_path / "mel", config) if cached else None)
    assert list(report.heard) == ["0", "1", "2", "3", "4"]
    assert encoder.batches[:-1] == [64] * (len(encoder.batches) - 1)
    for track, path in items:
        mel = sound_mel(path, config)
        chunks = encoder.embed_chunks(split_chunks(mel, config))
        np.testing.assert_array_equal(report.heard[track].segments, chunks.astype(np.float16))
        np.testing.assert_array_equal(report.heard[track].embedding, aggregate(chunks))
        recording = recording_print(mel, config)
        np.testing.assert_array_equal(report.heard[track].recording, recording)


def test_spectrograms_of_other_settings_are_refused(tmp_path, tiny):
    cache = MelCache(tmp_path, AudioConfig())
    with pytest.raises(ParameterError, match="has other mel settings"):
        Report().run([], PlainEncoder(tiny), cache)


def test_an_exception_in_a_callback_ends_the_run(tiny, items):
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        embed_files(items, PlainEncoder(tiny), None, workers=2, on_result=stop, on_bad_file=stop)
    assert active_children() == []


def test_an_encoder_that_fails_is_not_taken_for_a_bad_file(tiny, items):
    encoder = PlainEncoder(tiny)
    encoder.embed_chunks = lambda _: 1 / 0
    with pytest.raises(ZeroDivisionError):
        Report().run(items, encoder, None)
    assert active_children() == []
