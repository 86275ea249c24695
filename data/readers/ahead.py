"""Work done by threads ahead of whoever takes the results."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")

MAX_THREADS = 4
"""Threads at most: each holds what it has read, so that more of them take more memory."""


def ahead(function: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
    """Yield what a function gives for each item, in order, computed by as many threads as cores.

    One result more than there are threads is held at a time. An exception comes where its result
    would; what was begun after it is finished and dropped.
    """
    threads = min(MAX_THREADS, len(os.sched_getaffinity(0)))
    waiting: deque[Future[R]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        try:
            for item in items:
                waiting.append(pool.submit(function, item))
                if len(waiting) > threads:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
