"""Finished answers, kept in Redis. Losing Redis costs speed, never an answer."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from hashlib import blake2b
from typing import Literal, TypeVar

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from api.config import ApiConfig
from data.errors import ParameterError

logger = logging.getLogger("segue.cache")

T = TypeVar("T")
_PREFIX = "segue:answer:1:"  # the number changes with the form of what is kept


def answer_id(*parts: str) -> str:
    """Return a digest of everything that an answer depends on, 32 hexadecimal digits.

    Parameters
    ----------
    *parts : str
        None of them holds a NUL character, which separates them.
    """
    return blake2b("\0".join(parts).encode("utf-8"), digest_size=16).hexdigest()


class AnswerCache:
    """Bytes of answers by their digest.

    A Redis that fails or is slow is left alone for `cache_pause` seconds; then one request of
    this process tries it again. No method raises.

    Parameters
    ----------
    url : str or None
        Where Redis is; None for no cache.
    config : ApiConfig
        Times: `cache_ttl`, `cache_timeout`, `cache_pause`.

    Raises
    ------
    ParameterError
        If the URL cannot be read.
    """

    def __init__(self, url: str | None, config: ApiConfig) -> None:
        self._redis = None if url is None else _connect(url, config.cache_timeout)
        self._ttl = config.cache_ttl
        self._pause = config.cache_pause
        self._failed = False
        self._again_at = 0.0

    @property
    def enabled(self) -> bool:
        """Whether there is a cache at all."""
        return self._redis is not None

    @property
    def state(self) -> Literal["ok", "down", "off"]:
        """Whether Redis answers now, asking it if the last try is long enough ago."""
        if self._redis is None:
            return "off"
        self._try(self._redis.ping)
        return "down" if self._failed else "ok"

    def get(self, key: str) -> bytes | None:
        """Return what is kept under a digest, or None."""
        if self._redis is None:
            return None
        redis = self._redis
        found = self._try(lambda: redis.get(_PREFIX + key))
        return found if isinstance(found, bytes) else None

    def put(self, key: str, body: bytes) -> None:
        """Keep the bytes of an answer."""
        if self._redis is not None:
            redis = self._redis
            self._try(lambda: redis.set(_PREFIX + key, body, ex=self._ttl))

    def close(self) -> None:
        """Close the connections."""
        if self._redis is not None:
            self._redis.close()

    def _try(self, command: Callable[[], T]) -> T | None:
        if self._failed:
            if time.monotonic() < self._again_at:
                return None
            self._again_at = time.monotonic() + self._pause  # this thread tries, others go on
        try:
            found = command()
        except (RedisError, OSError) as error:
            self._fail(error)
            return None
        if self._failed:
            self._failed = False
            logger.info("Redis answers again.")
        return found

    def _fail(self, error: Exception) -> None:
        self._again_at = time.monotonic() + self._pause
        if not self._failed:
            self._failed = True
            logger.warning("Redis does not answer (%s); answers are computed until it does.", error)


def _connect(url: str, timeout: float) -> Redis:
    try:
        return Redis.from_url(
            url,
            socket_timeout=timeout,
            socket_connect_timeout=timeout,
            retry=Retry(NoBackoff(), 0),
            protocol=2,  # every Redis speaks it
        )
    except ValueError as error:
        raise ParameterError(f"`api.redis_url` cannot be read: {error}.") from None
