"""BLAS on one thread, where its own threads only get in the way.

The products and solves of Segue are small (some hundred rows by a hundred). On the threads of
OpenBLAS on a busy machine they take up to a hundred times as long as on one, because the threads
spin while they wait for each other.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import numpy as np  # noqa: F401 # for its effect: its BLAS must be there to be found
from threadpoolctl import ThreadpoolController


@cache
def _controller(scipy: bool) -> ThreadpoolController:  # noqa: ARG001 # looks again when it changes
    # Finding the libraries takes milliseconds, setting a limit some microseconds.
    return ThreadpoolController()


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Hold BLAS to one thread, in the whole process, while the block runs."""
    # SciPy has a BLAS of its own, but is not loaded for those who have no use for it.
    with _controller("scipy.linalg" in sys.modules).limit(limits=1, user_api="blas"):
        yield
