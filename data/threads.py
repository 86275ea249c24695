"""BLAS on one thread, where its own threads only get in the way.

The products and solves of Segue are small (some hundred rows by a hundred). On the threads of
OpenBLAS on a busy machine they take up to a hundred times as long as on one, because the threads
spin while they wait for each other.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

# Imported for their effect: both bring a BLAS of their own, which must be there to be found.
import numpy as np  # noqa: F401
import scipy.linalg  # noqa: F401
from threadpoolctl import ThreadpoolController


@cache
def _controller() -> ThreadpoolController:
    # Finding the libraries takes milliseconds, setting a limit some microseconds.
    return ThreadpoolController()


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Hold BLAS to one thread, in the whole process, while the block runs."""
    with _controller().limit(limits=1, user_api="blas"):
        yield
