import numpy as np

from audio_model.half import widen


def test_every_finite_number_stays_what_it_is():
    every = np.arange(2**16, dtype=np.uint16).view(np.float16)
    finite = every[np.isfinite(every)]  # subnormals and both zeros, too
    out = np.empty(finite.shape, np.float32)
    widen(finite, out)
    np.testing.assert_array_equal(out, finite.astype(np.float32))
    np.testing.assert_array_equal(np.signbit(out), np.signbit(finite))
    assert finite.size == 2 * 31 * 2**10


def test_times_a_number():
    out = np.empty(3, np.float32)
    widen(np.array([-80, -20, 0], np.float16), out, times=1 / 80)
    np.testing.assert_allclose(out, [-1, -0.25, 0], rtol=1e-7)


def test_numbers_that_lie_apart_are_read_as_they_lie():
    half = np.arange(24, dtype=np.float16).reshape(4, 6).T[::2]
    out = np.empty((3, 4), np.float32)
    widen(half, out)
    np.testing.assert_array_equal(out, half)
