import gc
import logging
import os
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from audio_model.config import AudioConfig
from audio_model.decode import load_audio, open_sound
from data.errors import AudioError

from .conftest import SR, chirp, tone


def refusal(source, config) -> str:
    """The message with which a source is refused: one line that names it."""
    with pytest.raises(AudioError) as caught:
        load_audio(source, config)
    message = str(caught.value)
    name = repr(str(source)) if isinstance(source, Path) else "The upload"
    assert message.startswith(name)
    assert "\n" not in message
    return message.removeprefix(name)


@pytest.mark.parametrize(
    ("suffix", "close"), [("wav", 1e-4), ("flac", 1e-4), ("ogg", 0.1), ("mp3", 0.1)]
)
def test_each_format_gives_back_what_was_written(sound, config, suffix, close):
    y = load_audio(sound(f"a.{suffix}"), config)
    assert y.dtype == np.float32
    assert y.shape == (2 * SR,)
    middle = slice(SR // 2, SR)  # lossy codecs ring at the ends
    np.testing.assert_allclose(y[middle], chirp(2.0)[middle], atol=close)


def test_8_khz_mono_is_resampled(sound, config):
    y = load_audio(sound("a.wav", tone(2, 1000, sr=8000), sr=8000), config)
    assert y.shape == (2 * SR,)
    spectrum = np.abs(np.fft.rfft(y))
    assert spectrum.argmax() == 2000  # bins of 0.5 Hz
    assert np.abs(y[SR // 2 : SR]).max() == pytest.approx(0.5, abs=0.01)


def test_96_khz_6_channels_are_averaged_and_resampled(sound, config):
    channels = np.zeros((2 * 96_000, 6), np.float32)
    channels[:, 2] = tone(2, 440, sr=96_000)
    y = load_audio(sound("a.wav", channels, sr=96_000), config)
    assert y.shape == (2 * SR,)
    assert np.abs(y[SR // 2 : SR]).max() == pytest.approx(0.5 / 6, abs=0.002)


def test_blocks_leave_no_seams_in_resampled_sound(sound, config):
    y = load_audio(sound("a.wav", tone(4, 440, sr=44_100), sr=44_100, subtype="FLOAT"), config)
    np.testing.assert_allclose(y[SR:-SR], tone(4, 440)[SR:-SR], atol=2e-4)


def test_a_name_may_hold_spaces_and_any_letters(sound, config):
    assert load_audio(sound("Ünï  códe – 曲 'a'.mp3"), config).shape == (2 * SR,)


def test_a_wrong_suffix_does_not_matter(sound, config):
    path = sound("a.wav")
    assert load_audio(path.rename(path.with_suffix(".raw")), config).shape == (2 * SR,)


def test_bytes_and_open_files_are_read_as_files_are(sound, config):
    path = sound("a.mp3")
    expected = load_audio(path, config)
    np.testing.assert_array_equal(load_audio(path.read_bytes(), config), expected)
    np.testing.assert_array_equal(load_audio(BytesIO(path.read_bytes()), config), expected)
    with path.open("rb") as file:
        np.testing.assert_array_equal(load_audio(file, config), expected)


@pytest.mark.parametrize("source", [Path, Path.read_bytes])
def test_reading_an_mp3_in_blocks_leaves_no_gaps(sound, config, source):
    path = sound("a.mp3", chirp(8.0))
    whole, _ = sf.read(path, dtype="float32")
    np.testing.assert_allclose(load_audio(source(path), config), whole, atol=1e-6)


def test_no_more_than_max_duration_is_read(sound):
    config = AudioConfig(max_duration=1.5)
    np.testing.assert_array_equal(
        load_audio(sound(subtype="FLOAT"), config), chirp(2.0)[: SR * 3 // 2]
    )
    y = load_audio(sound("b.wav", tone(3, 440, sr=44_100), sr=44_100), config)
    assert y.shape == (SR * 3 // 2,)


@pytest.mark.parametrize("suffix", ["mp3", "wav", "flac", "ogg"])
def test_of_a_truncated_file_what_is_there_counts(sound, config, suffix):
    path = sound(f"a.{suffix}", chirp(8.0))
    content = path.read_bytes()
    path.write_bytes(content[: len(content) * 9 // 10])
    y = load_audio(path, config)
    assert SR < y.size < 8 * SR
    np.testing.assert_allclose(y[SR // 2 : SR], chirp(8.0)[SR // 2 : SR], atol=0.1)


@pytest.mark.parametrize("suffix", ["mp3", "wav", "flac", "ogg"])
def test_a_file_cut_short_at_its_beginning_is_refused(sound, config, suffix):
    path = sound(f"a.{suffix}")
    path.write_bytes(path.read_bytes()[:1500])
    assert "no sound can be decoded" in (m := refusal(path, config)) or "at least 1 s" in m


def test_how_much_a_damaged_file_lost_is_logged_where_it_can_be_seen(sound, config, caplog, capfd):
    class Plain(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            os.write(2, record.getMessage().encode())

    handler, logger = Plain(), logging.getLogger("segue.audio")
    path = sound("a.flac", chirp(8.0))
    path.write_bytes(path.read_bytes()[:-2000])
    logger.addHandler(handler)
    try:
        with caplog.at_level("INFO", "segue.audio"):
            y = load_audio(path, config)
            load_audio(sound("whole.flac"), config)
    finally:
        logger.removeHandler(handler)
    lost = 8 - y.size / SR
    said = f"{str(path)!r} is cut short or damaged: the last {lost:.2f} s are missing."
    assert capfd.readouterr().err == said


def test_codecs_print_nothing(sound, config, capfd):
    path = sound("a.mp3", chirp(8.0))
    path.write_bytes(path.read_bytes()[:-2000])
    sf.read(path)
    assert "Warning: Xing" in capfd.readouterr().err
    load_audio(path, config)
    assert capfd.readouterr().err == ""


def test_a_missing_file(tmp_path, config):
    assert refusal(tmp_path / "no.mp3", config) == " does not exist."


def test_a_directory(tmp_path, config):
    assert refusal(tmp_path, config) == " is a directory; a sound file is needed."


def test_a_pipe_is_not_waited_for(tmp_path, config):
    os.mkfifo(tmp_path / "pipe")
    assert "is not a regular file" in refusal(tmp_path / "pipe", config)


def test_a_name_that_no_system_takes(tmp_path, config):
    assert "cannot be opened" in refusal(tmp_path / ("n" * 5000), config)
    assert "cannot be opened" in refusal(tmp_path / "a\0b", config)


def test_an_empty_file(tmp_path, config):
    path = tmp_path / "empty.mp3"
    path.touch()
    assert refusal(path, config) == " is empty (0 bytes)."
    assert refusal(b"", config) == " is empty (0 bytes)."


def test_a_text_file_named_mp3(tmp_path, config):
    path = tmp_path / "text.mp3"
    path.write_text("this is no music\n" * 1000)
    expected = " is not in a format that can be read: MP3, OGG, FLAC, WAV and AIFF are."
    assert refusal(path, config) == expected
    assert refusal(path.read_bytes(), config) == expected
    assert refusal(BytesIO(path.read_bytes()), config) == expected


def test_a_format_that_libsndfile_knows_but_music_does_not_come_in(sound, config):
    assert "is not in a format" in refusal(sound("a.mat", format="MAT5"), config)


def test_a_clip_too_short(sound, config):
    path = sound("a.wav", chirp(0.2))
    assert refusal(path, config) == " lasts 0.20 s; at least 1 s is needed."
    assert load_audio(path, AudioConfig(min_duration=0.2)).size == SR // 5


@pytest.mark.parametrize("level", [0.0, 1e-5])
def test_silence(sound, config, level):
    path = sound("a.wav", np.full(2 * SR, level, np.float32), subtype="FLOAT")
    assert refusal(path, config) == " is silent: it never reaches -80 dBFS."


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e30])
def test_samples_that_are_no_numbers_are_named_by_their_time(sound, config, value):
    y = np.stack([chirp(2.0)] * 2, axis=1)
    y[SR * 3 // 2, 1] = value
    path = sound("a.wav", y, subtype="FLOAT")
    assert "NaN, infinite or absurdly large samples at 1.50 s" in refusal(path, config)


def test_opposite_infinities_do_not_cancel_out(sound, config):
    y = np.stack([chirp(2.0)] * 2, axis=1)
    y[SR, :] = np.inf, -np.inf
    assert "absurdly large samples at 1.00 s" in refusal(sound("a.wav", y, subtype="FLOAT"), config)


def test_sound_comes_in_pieces_at_its_own_rate(sound, config):
    y = np.stack([chirp(9.0, sr=48_000), np.zeros(9 * 48_000, np.float32)], axis=1)
    with open_sound(sound("a.wav", y, sr=48_000, subtype="FLOAT"), config) as found:
        pieces = [piece.copy() for piece in found]
    assert found.sr == 48_000
    assert len(pieces) == 2
    np.testing.assert_array_equal(np.concatenate(pieces), y[:, 0] / 2)


def test_failures_leave_no_file_open(tmp_path, sound, config):
    bad = [tmp_path / "text.mp3", sound("short.wav", chirp(0.1)), tmp_path / "cut.ogg"]
    bad[0].write_text("text" * 500)
    bad[2].write_bytes(sound("whole.ogg").read_bytes()[:500])
    gc.collect()  # files that earlier tests left to it must not be closed in between
    before = len(list(Path("/proc/self/fd").iterdir()))
    for path in bad * 3:
        refusal(path, config)
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def _example(suffix: str) -> bytes:
    file = BytesIO()
    sf.write(file, chirp(1.5), SR, format=suffix)
    return file.getvalue()


EXAMPLES = [_example(suffix) for suffix in ("WAV", "FLAC", "OGG", "MP3")]


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    content=st.sampled_from(EXAMPLES),
    damage=st.lists(st.tuples(st.floats(0, 1), st.binary(min_size=1, max_size=40)), max_size=5),
    kept=st.floats(0, 1),
)
def test_whatever_is_damaged_is_decoded_or_refused(config, content, damage, kept):
    damaged = bytearray(content)
    for where, patch in damage:
        at = int(where * len(damaged))
        damaged[at : at + len(patch)] = patch
    try:
        y = load_audio(bytes(damaged[: int(kept * len(damaged))]), config)
    except AudioError:
        return
    assert np.isfinite(y).all()
    assert np.abs(y).max() > 0
