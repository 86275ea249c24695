from multiprocessing import active_children
from pathlib import Path

import numpy as np
import pytest

from audio_model.cache import MelCache
from audio_model.config import AudioConfig
from audio_model.decode import load_audio
from audio_model.embed import embed_files
from audio_model.mel import log_mel
from data.errors import ParameterError

from .conftest import chirp, tone
from .plain import PlainEncoder
from .readers import CrashingCache


class Report:
    """Collects what a run tells."""

    def __init__(self) -> None:
        self.vectors: dict[str, np.ndarray] = {}
        self.bad: dict[str, str] = {}
        self.progress: list[tuple[int, int, str]] = []

    def run(self, items, encoder, cache, **options) -> None:
        embed_files(
            items,
            encoder,
            cache,
            on_result=lambda track, vector: self.vectors.__setitem__(track, vector),
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
    text = tmp_path / "text.mp3"
    text.write_text("no music")
    items[2:2] = [("text", text), ("short", sound("short.wav", chirp(0.2)))]
    items.append(("missing", tmp_path / "missing.mp3"))
    cache = MelCache(tmp_path / "mel", tiny) if cached else None
    report, encoder = Report(), PlainEncoder(tiny)
    report.run(items, encoder, cache, workers=2)
    assert set(report.vectors) == {f"t{i}" for i in range(8)}
    for track, path in items:
        if track in report.vectors:
            expected = encoder.embed_mel(log_mel(load_audio(path, tiny), tiny))
            np.testing.assert_allclose(report.vectors[track], expected, atol=1e-5)
    assert report.bad == {
        "text": f"text.mp3: {str(text)!r} is not in a format that can be read: "
        "MP3, OGG, FLAC, WAV and AIFF are.",
        "short": f"short.wav: {str(tmp_path / 'short.wav')!r} lasts 0.20 s; at least 1 s is needed.",
        "missing": f"missing.mp3: {str(tmp_path / 'missing.mp3')!r} does not exist.",
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
    items = [(str(i), sound(f"{i}.wav", tone(4, 300 + i))) for i in range(10)]  # 21 chunks each
    report, encoder = Report(), PlainEncoder(config)
    report.run(items, encoder, None)
    assert encoder.batches == [84, 84, 42]
    assert len(report.vectors) == 10


def test_spectrograms_of_other_settings_are_refused(tmp_path, tiny):
    cache = MelCache(tmp_path, AudioConfig())
    with pytest.raises(ParameterError, match="differ in their mel settings"):
        Report().run([], PlainEncoder(tiny), cache)


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_an_exception_of_the_caller_ends_the_run(tiny, items, error):
    def stop(*_: object) -> None:
        raise error

    with pytest.raises(error):
        embed_files(items, PlainEncoder(tiny), None, workers=2, on_result=stop, on_bad_file=stop)
    assert active_children() == []


def test_an_encoder_that_fails_is_not_taken_for_a_bad_file(tiny, items):
    encoder = PlainEncoder(tiny)
    encoder.embed_chunks = lambda chunks: 1 / 0
    with pytest.raises(ZeroDivisionError):
        Report().run(items, encoder, None)
    assert active_children() == []
