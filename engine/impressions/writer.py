"""Writes impressions off the path of requests."""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict, deque

from data.errors import SegueError
from data.store import Impression, Store
from engine.impressions.config import ImpressionsConfig

logger = logging.getLogger("segue.impressions")

BATCH = 100
"""Impressions in one transaction: some 60 ms of SQLite's one writer, for which events wait."""

PRUNE_EVERY_S = 3_600.0
DAY_S = 86_400

_REMEMBERED = 20_000  # impressions known to be written, which need not be written again
_TRIES = 3  # of one batch that the database refuses, before it is dropped
_LAST_S = 5.0  # seconds that the end waits for the thread
_TELL_EVERY_S = 60.0


class ImpressionWriter:
    """A thread that writes impressions in batches.

    `offer` never blocks and never fails. Impressions wait for `flush_seconds`, or until there are
    enough for a batch. While the database is slow or away they wait longer; when
    `ImpressionsConfig.queue` of them do, later ones are dropped, counted, and told about in the
    log once a minute. The thread starts with the first impression, so that each process of a
    service has its own. It also deletes impressions older than `keep_days`, once an hour.

    Parameters
    ----------
    store : Store
    config : ImpressionsConfig
    """

    def __init__(self, store: Store, config: ImpressionsConfig) -> None:
        self._store = store
        self._config = config
        self._waiting: deque[Impression] = deque()
        self._known: OrderedDict[str, None] = OrderedDict()
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._wake = threading.Event()
        self._closing = False
        self._refused = 0  # tries in a row that the database refused
        self._thread: threading.Thread | None = None
        self._prune_at = 0.0
        self._told_at = -_TELL_EVERY_S
        self.dropped = 0
        """Impressions lost since the start."""

    def offer(self, impression: Impression) -> bool:
        """Take an impression to be written; False if it is known already, or there is no room."""
        name = impression.impression_id
        with self._lock:
            if self._closing or (name in self._known and impression.recommendation is None):
                return False
            if len(self._waiting) >= self._config.queue:
                self._drop(1, "the database does not keep up")
                return False
            self._remember(name)
            self._waiting.append(impression)
            if len(self._waiting) >= BATCH and not self._refused:
                self._wake.set()
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._run, name="segue-impressions", daemon=True
                )
                self._thread.start()
        return True

    def flush(self) -> None:
        """Write everything that waits, now; what the database refuses goes on waiting."""
        while self._waiting and self._write_some():
            pass

    def close(self) -> None:
        """Write what waits, and end the thread; what the database refuses is dropped."""
        with self._lock:
            self._closing = True
            thread = self._thread
        self._wake.set()
        if thread is not None:
            thread.join(_LAST_S)
        left = len(self._waiting)
        if left:
            self._drop(left, "the service ended")

    def _remember(self, name: str) -> None:
        self._known[name] = None
        if len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)

    def _run(self) -> None:
        while not (self._closing and not self._waiting):
            self._wake.wait(0 if self._closing else self._config.flush_seconds)
            self._wake.clear()
            self._write_waiting()
            self._prune()
            if self._closing and self._refused:
                return

    def _write_waiting(self) -> None:
        """Write what waits by now, batch by batch, until the database refuses one."""
        for _ in range(-(-len(self._waiting) // BATCH)):
            if self._write_some():
                self._refused = 0
                continue
            self._refused += 1
            if self._refused >= _TRIES and self._store_answers():
                # The database is there, so it is the batch that it refuses.
                self._drop(len(self._take()), "the database refuses them")
                self._refused = 0
            return

    def _write_some(self) -> bool:
        """Write one batch; False if the database refused it."""
        with self._writing:
            batch = [self._waiting[n] for n in range(min(BATCH, len(self._waiting)))]
            try:
                self._store.add_impressions(batch)
            except Exception as error:  # noqa: BLE001 - the thread must live, whatever it is
                self._tell("Impressions cannot be written, and wait: %s", _reason(error))
                return False
            for _ in batch:
                self._waiting.popleft()
        return True

    def _take(self) -> list[Impression]:
        with self._writing:
            return [self._waiting.popleft() for _ in range(min(BATCH, len(self._waiting)))]

    def _store_answers(self) -> bool:
        try:
            self._store.ping()
        except SegueError:
            return False
        return True

    def _prune(self) -> None:
        if time.monotonic() < self._prune_at or self._closing:
            return
        self._prune_at = time.monotonic() + PRUNE_EVERY_S
        try:
            self._store.prune_impressions(int(time.time()) - self._config.keep_days * DAY_S)
        except Exception as error:  # noqa: BLE001 - the thread must live, whatever it is
            self._tell("Old impressions cannot be deleted: %s", _reason(error))

    def _drop(self, count: int, reason: str) -> None:
        self.dropped += count
        self._tell("Dropped %d impressions since the start: %s.", self.dropped, reason)

    def _tell(self, message: str, *values: object) -> None:
        if time.monotonic() - self._told_at >= _TELL_EVERY_S or self._closing:
            self._told_at = time.monotonic()
            logger.warning(message, *values)


def _reason(error: Exception) -> str:
    return str(error) if isinstance(error, SegueError) else repr(error)
