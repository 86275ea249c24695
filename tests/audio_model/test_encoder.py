import numpy as np
import pytest

from audio_model.encoder import aggregate

from .contract import AudioEncoderContract
from .plain import PlainEncoder


class TestPlainEncoder(AudioEncoderContract):
    @pytest.fixture
    def encoder(self, tiny):
        return PlainEncoder(tiny)


def test_aggregate_is_the_direction_of_the_mean():
    chunks = np.array([[1, 0, 0], [0, 1, 0]], np.float32)
    np.testing.assert_allclose(aggregate(chunks), [0.5**0.5, 0.5**0.5, 0], atol=1e-7)


def test_chunks_that_cancel_out_do_not_divide_by_zero():
    np.testing.assert_array_equal(aggregate(np.array([[1, 0], [-1, 0]], np.float32)), [0, 0])
