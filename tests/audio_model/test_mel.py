import librosa
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audio_model.config import AudioConfig
from audio_model.features import mel_mfcc_summary, mfcc_summary
from audio_model.mel import log_mel, mel_power, scale_mel

from .conftest import SR, chirp, tone


@pytest.fixture(scope="module")
def y() -> np.ndarray:
    noise = np.random.default_rng(0).normal(0, 0.02, 5 * SR)
    return (chirp(5.0) + noise).astype(np.float32)


def test_power_equals_librosas(y, config):
    expected = librosa.feature.melspectrogram(y=y, sr=SR, n_fft=2048, hop_length=512, n_mels=128)
    power = mel_power(y, config)
    assert power.dtype == np.float32
    assert power.shape == expected.shape == (128, 1 + y.size // 512)
    np.testing.assert_allclose(power, expected, rtol=1e-3, atol=1e-6 * expected.max())


def test_decibels_equal_librosas_to_float16(y, config):
    power = librosa.feature.melspectrogram(y=y / np.abs(y).max(), sr=SR, n_mels=128)
    expected = librosa.power_to_db(power, ref=np.max, top_db=80)
    np.testing.assert_allclose(log_mel(y, config), expected, atol=0.04)


def test_values_span_0_to_minus_80_db(config):
    y = np.concatenate([tone(1, 440), np.zeros(SR, np.float32)])
    mel = log_mel(y, config)
    assert mel.dtype == np.float32
    assert (mel.min(), mel.max()) == (-80, 0)
    assert (mel[:, -10:] == -80).all()


def test_a_tone_is_loudest_in_its_band(config):
    centres = librosa.mel_frequencies(130, fmax=SR / 2)[1:-1]
    loudest = log_mel(tone(2, 1000), config).mean(axis=1).argmax()
    assert loudest == np.abs(centres - 1000).argmin()


def test_the_level_of_a_recording_has_no_effect(y, config):
    np.testing.assert_array_equal(log_mel(y / 1024, config), log_mel(y, config))


def test_values_survive_float16(y, config):
    mel = log_mel(y, config)
    np.testing.assert_array_equal(mel.astype(np.float16).astype(np.float32), mel)


def test_a_click_between_silences_is_finite(config):
    y = np.zeros(SR, np.float32)
    y[-1] = 1e-3
    assert np.isfinite(log_mel(y, config)).all()


@settings(max_examples=25, deadline=None)
@given(n=st.integers(1, 5000), hop=st.integers(1, 64), n_mels=st.integers(8, 12))
def test_the_number_of_frames_follows_from_the_number_of_samples(n, hop, n_mels):
    config = AudioConfig(n_fft=64 * 16, hop_length=hop * 16, n_mels=n_mels)
    assert mel_power(np.ones(n, np.float32), config).shape == (n_mels, 1 + n // (hop * 16))


def test_scaling(config):
    scaled = scale_mel(np.array([[-80.0, -40.0, 0.0]], np.float16), config)
    np.testing.assert_array_equal(scaled, np.array([[0, 0.5, 1]], np.float32))


def test_mfcc_summary_equals_librosas_mfcc(y, config):
    mfcc = librosa.feature.mfcc(S=log_mel(y, config), n_mfcc=20)
    summary = mfcc_summary(y, config)
    assert (summary.shape, summary.dtype) == ((40,), np.float32)
    np.testing.assert_allclose(summary[:20], mfcc.mean(axis=1), rtol=1e-4, atol=1e-3)
    np.testing.assert_allclose(summary[20:], mfcc.std(axis=1), rtol=1e-4, atol=1e-3)


def test_mfcc_summary_of_a_constant_spectrogram_is_known():
    # The orthonormal DCT of 128 equal values c is c * sqrt(128) in the first coefficient, else 0.
    summary = mel_mfcc_summary(np.full((128, 7), -2.0, np.float16))
    expected = np.zeros(40)
    expected[0] = -2 * np.sqrt(128)
    np.testing.assert_allclose(summary, expected, atol=1e-5)
