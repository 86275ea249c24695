from __future__ import annotations

import io

import numpy as np
import pytest
import soundfile as sf
from hypothesis import given, settings
from hypothesis import strategies as st

from audio_model.config import AudioConfig
from audio_model.decode import load_audio
from audio_model.mel import log_mel
from audio_model.recording import recording_print
from tests.audio_model.tunes import SR, tune

CONFIG = AudioConfig()
COARSE = AudioConfig(sr=16_000, n_fft=1024, hop_length=400, n_mels=48)
EVEN = AudioConfig(sr=12_000, n_fft=512, hop_length=100, n_mels=64)  # ten frames a word


def heard(y: np.ndarray, config: AudioConfig = CONFIG) -> np.ndarray:
    return recording_print(log_mel(y, config), config)


def error(one: np.ndarray, other: np.ndarray) -> float:
    size = min(len(one), len(other))
    return float(np.bitwise_count(one[:size] ^ other[:size]).mean()) / 32


@pytest.mark.parametrize(
    ("n_frames", "n_words"), [(1, 0), (192, 0), (193, 1), (203, 2), (1393, 121)]
)
def test_twelve_words_a_second_but_for_the_ends(n_frames: int, n_words: int) -> None:
    # Frames at 120 a second; the first and the last 0.8 s have no word of their own.
    mel = np.random.default_rng(0).normal(-40, 10, (64, n_frames))
    words = recording_print(mel, EVEN)
    assert words.dtype == np.uint32
    assert words.shape == (n_words,)


def test_bits_are_signs_of_a_rise_between_bands() -> None:
    # From frame 240 (2 s) on, bands are louder the nearer they are to band 28. That lies at
    # 29 / 65 of the 41.06 mel up to 6 kHz, 18.3 mel: in the middle of 3 to 33.6 mel, of which the
    # 33 bands of the print are. So the upper of two bands rises more in the lower half (bits
    # 0 to 15 are set), the lower one in the upper half.
    peak = 40 - 1.5 * np.abs(np.arange(64) - 28)
    mel = np.full((64, 480), -50.0)
    mel[:, 240:] += peak[:, np.newaxis]
    middle = round((2 - 0.8) * 12)  # the word of which that is the moment
    word = int(recording_print(mel, EVEN)[middle])
    assert word | 1 << 15 | 1 << 16 == 0x0001FFFF  # the top of the peak may fall to either side
    assert int(recording_print(mel[:, ::-1], EVEN)[middle]) ^ word | 3 << 15 == 0xFFFFFFFF


@pytest.mark.parametrize("config", [CONFIG, COARSE])
def test_silence_and_a_steady_tone_say_nothing(config: AudioConfig) -> None:
    time = np.arange(4 * config.sr) / config.sr
    tone = np.sin(2 * np.pi * 440 * time).astype(np.float32)
    assert not heard(tone, config)[2:-2].any()  # it begins and ends
    tone[: 3 * config.sr] = 0  # three seconds of silence first
    assert not heard(tone, config)[:14].any()
    assert heard(tone, config).any()


def test_level_and_steady_equalisation_change_next_to_nothing() -> None:
    mel = log_mel(tune(1), CONFIG)
    words = recording_print(mel, CONFIG)
    assert recording_print(mel - np.float32(12), CONFIG).tolist() == words.tolist()
    tilted = mel + np.linspace(-9, 9, 128, dtype=np.float32)[:, np.newaxis]
    assert error(recording_print(tilted, CONFIG), words) < 0.02


@given(at=st.integers(0, 60), length=st.integers(193, 700))
@settings(max_examples=20, deadline=None)
def test_a_cut_at_a_word_leaves_the_words_that_are_left(at: int, length: int) -> None:
    mel = np.random.default_rng(3).normal(-40, 12, (64, 1400)).astype(np.float16)
    whole = recording_print(mel, EVEN)
    part = recording_print(mel[:, 10 * at : 10 * at + length], EVEN)
    assert part.tolist() == whole[at : at + len(part)].tolist()


def test_a_long_recording_is_the_same_in_every_block() -> None:
    mel = np.random.default_rng(4).normal(-40, 12, (64, 12_000)).astype(np.float16)
    whole = recording_print(mel, EVEN)
    assert len(whole) > 1_100
    late = recording_print(mel[:, 9_000:], EVEN)
    assert late.tolist() == whole[900:].tolist()


def encoded(y: np.ndarray, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    sf.write(file, y, SR, format=kind, **options)
    return file.getvalue()


@pytest.mark.parametrize("config", [CONFIG, COARSE])
def test_an_encoded_cut_recording_is_told_from_another(config: AudioConfig) -> None:
    y = tune(5)
    words = heard(load_audio(encoded(y, "WAV"), config), config)
    for content in (
        encoded(y, "MP3", bitrate_mode="CONSTANT", compression_level=0.8),
        encoded(y, "OGG", compression_level=0.9),
        encoded(y / 4, "WAV"),
    ):
        assert error(heard(load_audio(content, config), config), words) < 0.1
    # Cut between two words, which is the worst place.
    cut = y[round((2 + 1 / 24) * SR) :]
    assert error(heard(load_audio(encoded(cut, "WAV"), config), config), words[24:]) < 0.15
    stranger = heard(load_audio(encoded(tune(6), "WAV"), config), config)
    assert error(stranger, words) > 0.4


def test_a_coarse_spectrogram_and_a_low_rate_still_make_prints() -> None:
    low = AudioConfig(sr=4_000, n_fft=512, hop_length=128, n_mels=8)
    words = heard(load_audio(encoded(tune(7), "WAV"), low), low)
    assert (words != 0).mean() > 0.8
    assert len(set(words.tolist())) > 30
