import librosa
import numpy as np
import pytest

from audio_model.filters import hz_to_mel, mel_edges, mel_filters


def test_15_mel_are_1_khz_and_27_more_a_factor_of_6_4():
    np.testing.assert_allclose(hz_to_mel([0, 100, 1000, 6400]), [0, 1.5, 15, 42])


def test_edges_are_equally_far_apart_in_mel():
    edges = mel_edges(40, 6400.0)
    np.testing.assert_allclose(hz_to_mel(edges), np.linspace(0, 42, 42), atol=1e-9)


@pytest.mark.parametrize(
    ("sr", "n_fft", "n_mels"), [(22_050, 2048, 128), (16_000, 1000, 40), (44_100, 512, 16)]
)
def test_filters_equal_librosas(sr, n_fft, n_mels):
    expected = librosa.filters.mel(sr=sr, n_fft=n_fft, n_mels=n_mels)
    bins = np.arange(1 + n_fft // 2) * sr / n_fft
    filters = mel_filters(bins, n_mels, sr / 2)
    assert filters.dtype == np.float32
    np.testing.assert_allclose(filters, expected.T, rtol=1e-5, atol=1e-9)


def test_the_triangles_of_two_bands_can_be_drawn_by_hand():
    # Edges at 0, 200, 400 and 600 Hz (3 mel each): of height 2 / 400, a band is 400 Hz wide.
    filters = mel_filters(np.array([0.0, 100, 200, 300, 400, 500, 600, 700]), 2, 600.0)
    np.testing.assert_allclose(filters[:, 0] * 200, [0, 0.5, 1, 0.5, 0, 0, 0, 0], atol=1e-6)
    np.testing.assert_allclose(filters[:, 1] * 200, [0, 0, 0, 0.5, 1, 0.5, 0, 0], atol=1e-6)
