"""The writer of impressions: batches, bounds, a database that is away, the end."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from data.errors import DataError
from data.store import Impression, Recommendation, ShownItem, Store
from engine.impressions.config import ImpressionsConfig
from engine.impressions.writer import BATCH, DAY_S, ImpressionWriter
from tests.postgres import fresh_schema

ANSWER = Recommendation("b1", "{}", (ShownItem("t1", 1.0),))


@pytest.fixture
def postgres_url() -> Iterator[str]:
    yield from fresh_schema()


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    url = f"sqlite:///{tmp_path / 'segue.db'}"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres_url")
    with Store.open(url) as opened:
        yield opened


@pytest.fixture
def make(store: Store) -> Iterator[Callable[..., ImpressionWriter]]:
    made: list[ImpressionWriter] = []

    def open_writer(**settings: object) -> ImpressionWriter:
        config = ImpressionsConfig(**{"flush_seconds": 0.02} | settings)  # type: ignore[arg-type]
        made.append(ImpressionWriter(store, config))
        return made[-1]

    yield open_writer
    for writer in made:
        writer.close()


def shown(number: int, at: int | None = None) -> Impression:
    now = int(time.time()) if at is None else at
    return Impression(f"r{number}", f"u{number % 7}", now, recommendation=ANSWER)


def until(condition: Callable[[], bool], seconds: float = 20.0) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.01)
    return False


class Away:
    """Makes a store refuse impressions, as one that is away does."""

    def __init__(
        self, store: Store, monkeypatch: pytest.MonkeyPatch, *, ping: bool = False
    ) -> None:
        self.away = True
        self.calls = 0
        self._add = store.add_impressions
        monkeypatch.setattr(store, "add_impressions", self._refuse)
        if not ping:
            monkeypatch.setattr(store, "ping", self._ping)

    def _refuse(self, batch: Sequence[Impression]) -> int:
        self.calls += 1
        if self.away:
            raise DataError("The database is away.")
        return self._add(batch)

    def _ping(self) -> None:
        if self.away:
            raise DataError("The database is away.")


def test_everything_offered_is_written(make: Callable[..., ImpressionWriter], store: Store) -> None:
    writer = make()
    assert all(writer.offer(shown(n)) for n in range(2 * BATCH + 10))
    assert until(lambda: len(store.load_slots()) == 2 * BATCH + 10)
    assert writer.dropped == 0


def test_a_burst_does_not_wait_for_the_clock(
    make: Callable[..., ImpressionWriter], store: Store
) -> None:
    writer = make(flush_seconds=60)
    assert all(writer.offer(shown(n)) for n in range(5 * BATCH))
    assert until(lambda: len(store.load_slots()) == 5 * BATCH)
    assert writer.dropped == 0


def test_all_that_waits_is_written_at_once(
    make: Callable[..., ImpressionWriter], store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a database was away, the queue is not emptied a batch a `flush_seconds`."""
    away = Away(store, monkeypatch)
    writer = make(flush_seconds=4)
    assert all(writer.offer(shown(n)) for n in range(12 * BATCH))
    assert until(lambda: away.calls > 0)
    away.away = False
    started = time.monotonic()
    assert until(lambda: len(store.load_slots()) == 12 * BATCH)
    assert away.calls >= 12
    assert time.monotonic() - started < 20  # one a `flush_seconds` would take 48


def test_an_error_of_any_kind_ends_no_thread(
    make: Callable[..., ImpressionWriter],
    store: Store,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail(_: int) -> None:
        raise OverflowError("too long ago")

    monkeypatch.setattr(store, "prune_impressions", fail)
    writer = make()
    with caplog.at_level(logging.WARNING, "segue.impressions"):
        writer.offer(shown(1))
        assert until(lambda: "OverflowError('too long ago')" in caplog.text)
    writer.offer(shown(2))
    assert until(lambda: len(store.load_slots()) == 2)


def test_the_end_writes_what_waits(make: Callable[..., ImpressionWriter], store: Store) -> None:
    writer = make(flush_seconds=60)
    for n in range(BATCH - 5):
        writer.offer(shown(n))
    started = time.monotonic()
    writer.close()
    assert time.monotonic() - started < 10
    assert len(store.load_slots()) == BATCH - 5
    assert not writer.offer(shown(9_999))  # after the end, nothing is taken


def test_a_repeated_hit_is_not_even_queued(make: Callable[..., ImpressionWriter]) -> None:
    writer = make(flush_seconds=60)
    first = shown(1)
    assert writer.offer(first)
    assert not writer.offer(replace(first, recommendation=None))
    assert writer.offer(replace(first, placement="home", recommendation=None))


def test_many_threads_may_offer(make: Callable[..., ImpressionWriter], store: Store) -> None:
    writer = make()
    threads = [
        threading.Thread(target=lambda k=k: [writer.offer(shown(k * 100 + n)) for n in range(100)])
        for k in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert until(lambda: len(store.load_slots()) == 600)


def test_a_full_queue_drops_and_says_so_once(
    make: Callable[..., ImpressionWriter],
    store: Store,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    Away(store, monkeypatch)
    writer = make(queue=10, flush_seconds=60)
    with caplog.at_level(logging.WARNING, "segue.impressions"):
        started = time.monotonic()
        taken = [writer.offer(shown(n)) for n in range(1_000)]
        assert time.monotonic() - started < 10  # nothing waits for the database
    assert (sum(taken), writer.dropped) == (10, 990)
    assert caplog.text.count("Dropped") == 1
    assert "does not keep up" in caplog.text


def test_a_database_that_comes_back_gets_what_waited(
    make: Callable[..., ImpressionWriter], store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    away = Away(store, monkeypatch)
    writer = make()
    for n in range(20):
        writer.offer(shown(n))
    assert until(lambda: away.calls > 5)
    assert store.load_slots().empty
    away.away = False
    assert until(lambda: len(store.load_slots()) == 20)
    assert writer.dropped == 0


def test_a_batch_that_is_refused_again_and_again_is_dropped(
    make: Callable[..., ImpressionWriter], store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    away = Away(store, monkeypatch, ping=True)  # it answers, and refuses this batch
    writer = make()
    for n in range(3):
        writer.offer(shown(n))
    assert until(lambda: writer.dropped == 3)
    away.away = False
    writer.offer(shown(100))
    assert until(lambda: len(store.load_slots()) == 1)


def test_what_cannot_be_written_at_the_end_is_told(
    make: Callable[..., ImpressionWriter],
    store: Store,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    Away(store, monkeypatch)
    writer = make(flush_seconds=60)
    writer.offer(shown(1))
    with caplog.at_level(logging.WARNING, "segue.impressions"):
        writer.close()
    assert writer.dropped == 1
    assert "Dropped 1 impressions since the start: the service ended." in caplog.text


def test_old_impressions_are_deleted(make: Callable[..., ImpressionWriter], store: Store) -> None:
    now = int(time.time())
    store.add_impressions([shown(1, now - 11 * DAY_S), shown(2, now - 9 * DAY_S)])
    make(keep_days=10).offer(shown(3))
    assert until(lambda: set(store.load_slots().recommendation_id) == {"r2", "r3"})


@pytest.mark.parametrize(
    ("log", "experiment", "explore", "expected"),
    [
        ("auto", False, 0.0, False),
        ("auto", True, 0.0, True),
        ("auto", False, 0.1, True),
        ("on", False, 0.0, True),
        ("off", True, 0.5, False),
    ],
)
def test_what_is_logged(log: str, experiment: bool, explore: float, expected: bool) -> None:
    config = ImpressionsConfig(log=log)  # type: ignore[arg-type]
    assert config.wanted(experiment=experiment, explore=explore) is expected
