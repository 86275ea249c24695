import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audio_model.chunks import chunk_blocks, chunk_starts, split_chunks
from audio_model.config import AudioConfig


@pytest.mark.parametrize(
    ("n_frames", "starts"),
    [
        (1, [0]),
        (128, [0]),
        (129, [0]),
        (129 + 64, [0]),  # 64 frames are less than half of 129
        (129 + 65, [0, 65]),  # 65 are more: the last chunk ends with the last frame
        (2 * 129, [0, 129]),
        (2 * 129 + 100, [0, 129, 229]),
    ],
)
def test_where_chunks_start(n_frames, starts):
    assert chunk_starts(n_frames, AudioConfig(chunk_frames=129)).tolist() == starts


def test_a_short_spectrogram_loops():
    config = AudioConfig(chunk_frames=8)
    mel = np.arange(6, dtype=np.float16).reshape(2, 3)
    chunks = split_chunks(mel, config)
    assert (chunks.shape, chunks.dtype) == ((1, 2, 8), np.float32)
    np.testing.assert_array_equal(chunks[0, 0], [0, 1, 2, 0, 1, 2, 0, 1])


def test_blocks_of_chunks_are_the_chunks_a_few_at_a_time():
    config = AudioConfig(chunk_frames=8)
    mel = np.asfortranarray(np.random.default_rng(0).normal(size=(4, 8 * 7 + 5)), np.float16)
    blocks = list(chunk_blocks(mel, config, 3))
    assert [block.shape for block in blocks] == [(3, 4, 8), (3, 4, 8), (2, 4, 8)]
    assert all(block.flags.c_contiguous for block in blocks)
    np.testing.assert_array_equal(np.concatenate(blocks), split_chunks(mel, config))
    np.testing.assert_array_equal(blocks[1][0], mel[:, 24:32])
    np.testing.assert_array_equal(blocks[2][1], mel[:, -8:])


@given(n_frames=st.integers(1, 400), width=st.integers(8, 100))
def test_chunks_are_pieces_of_the_spectrogram_and_leave_out_less_than_half_a_chunk(n_frames, width):
    config = AudioConfig(chunk_frames=width)
    mel = np.arange(n_frames, dtype=np.float32)[None, :]
    chunks = split_chunks(mel, config)
    assert chunks.shape[1:] == (1, width)
    if n_frames >= width:
        assert (np.diff(chunks, axis=2) == 1).all()
    left_out = set(range(n_frames)) - set(chunks.ravel().astype(int).tolist())
    assert 2 * len(left_out) < width
