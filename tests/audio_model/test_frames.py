import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audio_model.config import AudioConfig
from audio_model.frames import BLOCK, FrameGrid

SMALL = AudioConfig(sr=22_050, n_fft=64, hop_length=16, n_mels=8)


@pytest.mark.parametrize(
    ("sr", "length", "n_fft", "begins"),
    [
        (22_050, 2048, 2048, [-1024, -512, 0]),
        (44_100, 4096, 4096, [-2048, -1024, 0]),
        (11_025, 1024, 1024, [-512, -256, 0]),
        # 512 samples at 22,050 Hz are 1114.56 at 48 kHz, 2048 are 4458.23; 4500 = 2^2 3^2 5^3.
        (48_000, 4458, 4500, [-2229, 1115 - 2229, 2229 - 2229]),
    ],
)
def test_frames_are_at_the_times_of_the_settings(config, sr, length, n_fft, begins):
    grid = FrameGrid(sr, config)
    assert (grid.length, grid.n_fft, len(grid.window)) == (length, n_fft, length)
    assert grid.begins(np.arange(3)).tolist() == begins


@pytest.mark.parametrize("sr", [8000, 16_000, 32_000, 44_100, 48_000, 96_000])
@pytest.mark.parametrize("tenths", [1, 10, 37, 600])
def test_the_number_of_frames_is_a_function_of_duration(config, sr, tenths):
    expected = 1 + tenths * 22_050 // (10 * 512)
    assert FrameGrid(sr, config).count(tenths * sr // 10) == expected


@given(
    sr=st.sampled_from([8000, 22_050, 44_100, 48_000, 96_000]),
    lengths=st.lists(st.integers(0, 3000), max_size=8),
)
def test_frames_are_pieces_of_the_sound_however_it_comes(sr, lengths):
    grid = FrameGrid(sr, SMALL)
    y = np.arange(1, sum(lengths) + 1, dtype=np.float32)
    pieces = np.split(y, np.cumsum(lengths)[:-1]) if lengths else []
    blocks = [[frame.copy() for frame in block] for block in grid.cut(pieces)]
    frames = np.array([frame for block in blocks for frame in block])
    assert all(len(block) == BLOCK for block in blocks[:-2])
    padded = np.pad(y, grid.length)
    begins = grid.begins(np.arange(grid.count(len(y)))) + grid.length
    np.testing.assert_array_equal(frames, [padded[b : b + grid.length] for b in begins])


def test_bands_above_half_of_the_rate_get_nothing(config):
    grid = FrameGrid(8000, config)
    mel = grid.mel(np.ones((1, grid.n_bins), np.float32))[0]
    assert grid.n_bins == 1 + grid.n_fft // 2
    assert (mel[:88] > 0).all()
    assert (mel[92:] == 0).all()  # 4 kHz lies within band 89


def test_bins_above_the_highest_band_are_left_out(config):
    assert FrameGrid(44_100, config).n_bins == 1 + 2048 // 2
