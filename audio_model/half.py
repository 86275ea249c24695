"""float16 to float32, quickly: spectrograms are kept as the one and learnt from as the other."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]
HalfArray = npt.NDArray[np.float16]

_EXPONENT = 2.0**112  # the exponents of float32 start at -127, those of float16 at -15
_SIGN_AND_REST = np.int32(-0x70000001)  # all bits but the three copies of the sign


def widen(half: HalfArray, out: FloatArray, *, times: float = 1.0) -> None:
    """Write finite float16 numbers as the float32 numbers that they are, times a number.

    The same as ``out[:] = half``, in a fifth of the time: NumPy converts number by number, while
    the four operations here, on whole numbers made of the same bits, run over many at once.

    Parameters
    ----------
    half : ndarray of float16
        Without infinities and NaN, which would become ordinary numbers.
    out : ndarray of float32
        Of the same shape.
    times : float
        What they are multiplied by, at no cost.
    """
    bits = out.view(np.int32)
    np.copyto(bits, half.view(np.int16))  # the sign fills the upper half
    np.left_shift(bits, 13, out=bits)
    np.bitwise_and(bits, _SIGN_AND_REST, out=bits)
    np.multiply(out, np.float32(_EXPONENT * times), out=out)
