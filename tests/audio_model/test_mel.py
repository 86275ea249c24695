import librosa
import numpy as np
import pytest
import soxr
from hypothesis import given, settings
from hypothesis import strategies as st

from audio_model.config import AudioConfig
from audio_model.features import mel_mfcc_summary, mfcc_summary
from audio_model.filters import mel_edges
from audio_model.mel import log_mel, mel_power, scale_mel, sound_mel

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


def difference(sr, config):
    """Differences, dB, from resampling first, in the bands that resampling leaves as they are."""
    rng = np.random.default_rng(sr)
    y = chirp(5.0, sr=sr, high=3500) + rng.normal(0, 0.02, 5 * sr).astype(np.float32)
    resampled = soxr.resample(y, sr, SR)
    power = librosa.feature.melspectrogram(y=resampled, sr=SR, n_fft=2048, hop_length=512)
    expected = librosa.power_to_db(power, ref=np.max, top_db=80)
    mel = log_mel(y, config, sr=sr)
    assert mel.shape == expected.shape
    kept = mel_edges(128, SR / 2)[2:] < 0.9 * min(sr, SR) / 2
    return np.abs(mel - expected)[kept, 2:-2]  # at the ends, the resampling filter rings


def test_at_twice_the_rate_it_is_as_if_resampled(config):
    assert difference(2 * SR, config).max() < 0.05


@pytest.mark.parametrize("sr", [8000, 16_000, 32_000, 48_000, 96_000])
def test_at_another_rate_it_is_nearly_as_if_resampled(config, sr):
    # Bins lie at other frequencies, so where noise all but cancels out in a band, dB differ.
    off = difference(sr, config)
    assert np.median(off) < 0.1
    assert np.percentile(off, 99) < 1.2


@pytest.mark.parametrize("sr", [8000, 11_025, 44_100, 48_000])
def test_a_tone_has_the_same_power_at_every_rate(config, sr):
    def band(rate):
        return mel_power(tone(2, 1000, sr=rate), config, sr=rate)[:, 40].sum()

    assert band(sr) == pytest.approx(band(SR), rel=0.01)


def test_above_half_of_the_rate_there_is_silence(config):
    noise = np.random.default_rng(0).normal(0, 0.1, 16_000).astype(np.float32)
    mel = log_mel(noise, config, sr=8000)
    high = mel_edges(128, SR / 2)[:-2] > 4000
    assert (mel[high] == -80).all()
    assert (mel[~high][:80] > -60).all()


@pytest.mark.parametrize("sr", [SR, 44_100, 48_000])
def test_of_a_file_as_of_its_samples(sound, config, sr):
    y = chirp(9.0, sr=sr) + np.random.default_rng(0).normal(0, 0.01, 9 * sr).astype(np.float32)
    mel = sound_mel(sound("a.wav", y, sr=sr, subtype="FLOAT"), config)
    assert mel.dtype == np.float16
    assert mel.T.flags.c_contiguous  # a chunk is one piece of memory
    np.testing.assert_array_equal(mel, log_mel(y, config, sr=sr))


def test_the_loudest_value_may_come_last(config):
    noise = np.random.default_rng(0).normal(0, 0.01, 3 * SR).astype(np.float32)
    rising = noise * 10 ** np.linspace(-3, 1, noise.size, dtype=np.float32)
    power = librosa.feature.melspectrogram(y=rising, sr=SR, n_mels=128)
    expected = librosa.power_to_db(power, ref=np.max, top_db=80)
    mel = log_mel(rising, config)
    np.testing.assert_allclose(mel, expected, atol=0.04)
    late = np.concatenate([np.zeros(2 * SR, np.float32), tone(1, 440)])
    assert (log_mel(late, config)[:, :80] == -80).all()


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
