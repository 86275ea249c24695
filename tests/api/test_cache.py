from __future__ import annotations

import logging
import os
import signal
import time
from collections.abc import Iterator

import pytest

from api.config import ApiConfig
from api.http.cache import AnswerCache, answer_id
from data.errors import ParameterError
from tests.api.conftest import own_redis

CONFIG = ApiConfig(cache_timeout=0.1, cache_pause=0.3, cache_ttl=60)


@pytest.fixture
def server() -> Iterator[own_redis]:
    with own_redis() as server:
        yield server


@pytest.fixture
def cache(server: own_redis) -> Iterator[AnswerCache]:
    cache = AnswerCache(server.url, CONFIG)
    yield cache
    cache.close()


def seconds(cache: AnswerCache) -> float:
    start = time.monotonic()
    assert cache.get("k") is None
    return time.monotonic() - start


def test_bytes_come_back_as_they_were(cache: AnswerCache) -> None:
    assert cache.get("k") is None
    cache.put("k", b"\x00\xff body")
    assert cache.get("k") == b"\x00\xff body"
    assert cache.state == "ok"


def test_answers_expire(server: own_redis) -> None:
    cache = AnswerCache(server.url, ApiConfig(cache_ttl=1))
    cache.put("k", b"body")
    assert cache.get("k") == b"body"
    time.sleep(1.2)
    assert cache.get("k") is None
    cache.close()


def test_no_cache_is_off_and_silent() -> None:
    cache = AnswerCache(None, CONFIG)
    cache.put("k", b"body")
    assert cache.get("k") is None
    assert (cache.state, cache.enabled) == ("off", False)
    cache.close()


def test_a_killed_redis_costs_one_try_and_comes_back(
    server: own_redis, cache: AnswerCache, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    cache.put("k", b"body")
    server.stop()
    assert cache.get("k") is None
    assert cache.state == "down"
    server.start()
    deadline = time.monotonic() + 5
    while cache.state == "down" and time.monotonic() < deadline:
        time.sleep(0.05)
    cache.put("k", b"again")
    assert cache.get("k") == b"again"
    assert caplog.text.count("Redis does not answer") == 1
    assert caplog.text.count("Redis answers again") == 1


def test_a_slow_redis_is_left_alone(server: own_redis, cache: AnswerCache) -> None:
    cache.put("k", b"body")
    assert server.process is not None
    os.kill(server.process.pid, signal.SIGSTOP)  # it accepts, and never answers
    try:
        assert 0.1 <= seconds(cache) < 1.0
        assert max(seconds(cache) for _ in range(50)) < 0.05
    finally:
        os.kill(server.process.pid, signal.SIGCONT)
    time.sleep(CONFIG.cache_pause + 0.05)
    assert cache.get("k") == b"body"


def test_a_redis_that_refuses_the_password_is_no_error() -> None:
    with own_redis() as server:
        cache = AnswerCache(server.url.replace("unix://", "unix://user:wrong@"), CONFIG)
        cache.put("k", b"body")
        assert cache.get("k") is None
        assert cache.state == "down"
        cache.close()


def test_a_url_that_cannot_be_read() -> None:
    with pytest.raises(ParameterError, match=r"api\.redis_url"):
        AnswerCache("redis://host:port", CONFIG)


def test_ids_of_answers_differ_with_every_part() -> None:
    assert answer_id("a", "b") == answer_id("a", "b")
    assert (
        len({answer_id("a", "b"), answer_id("ab", ""), answer_id("", "ab"), answer_id("a", "c")})
        == 4
    )
    assert len(answer_id("a")) == 32
