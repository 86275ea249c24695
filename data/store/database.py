"""Connections, transactions, retries and errors of one database; nothing of what it holds.

Writers of one process take turns, and those of different processes wait for each other: SQLite
has one writer at a time, and a writer that polls loses to one that queues.
"""

from __future__ import annotations

import os
import random
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from data.errors import DataError
from data.store.url import describe_url, parse_url

T = TypeVar("T")

WAIT_S = 60.0
"""Seconds that a writer waits for others before it gives up."""

_BUSY_TIMEOUT_MS = 10_000
_IDLE = 8  # connections kept for look-ups
_SQLITE_BUSY = {5, 6}  # SQLITE_BUSY, SQLITE_LOCKED
_POSTGRES_RETRY = {"40001", "40P01", "55P03"}  # serialization, deadlock, lock not available

_Lookup = sa.Select[Any] | sa.TextClause
Upsert = sqlite.Insert | postgresql.Insert


class Raced(Exception):  # noqa: N818 - not an error: it never leaves `Database.write`
    """Another writer came in between: the transaction must be done again."""


class Database:
    """One database, safe to use from many threads and across `fork`.

    Parameters
    ----------
    url : str
        See `data.store.url.parse_url`. Nothing is connected yet.
    """

    def __init__(self, url: str) -> None:
        parsed = parse_url(url)
        self.name = describe_url(parsed)
        self.is_sqlite = parsed.get_backend_name() == "sqlite"
        self._secret = parsed.password
        self.engine = _sqlite_engine(parsed) if self.is_sqlite else _postgres_engine(parsed)
        self._compiled: dict[_Lookup, tuple[str, dict[str, Any]]] = {}
        self._renew()
        _open.add(self)

    def _renew(self) -> None:
        self._pid = os.getpid()
        self._turn = threading.Lock()
        self._idle: deque[Any] = deque()

    @contextmanager
    def reported(self) -> Iterator[None]:
        """Turn a failure of the database into a `DataError` of one line."""
        driver = self.engine.dialect.loaded_dbapi.Error
        try:
            yield
        except (sa.exc.DBAPIError, sa.exc.TimeoutError, driver) as error:
            raise self._data_error(error) from error

    def _data_error(self, error: Exception) -> DataError:
        reason = " ".join(str(getattr(error, "orig", None) or error).split())
        if self._secret:
            reason = reason.replace(str(self._secret), "***")
        return DataError(
            f"The database {self.name} cannot be used: {reason}. "
            "Check `database_url`, its rights and its disk."
        )

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """Open a transaction that reads one consistent state and never waits for a writer."""
        with self.reported(), self.engine.connect() as connection:
            if not self.is_sqlite:
                connection.execution_options(isolation_level="REPEATABLE READ")
            with connection.begin():
                yield connection

    def write(self, work: Callable[[sa.Connection], T], *, on: sa.Connection | None = None) -> T:
        """Do `work` in one transaction, durable on return, all of it or nothing.

        Parameters
        ----------
        work : callable
            Called with the connection; called again if another writer got in the way.
        on : Connection, optional
            Use this connection, which must be outside a transaction.

        Raises
        ------
        DataError
            If the database fails, or others hold it for more than `WAIT_S`.
        """
        deadline = time.monotonic() + WAIT_S
        while True:
            try:
                with self._turn if self.is_sqlite else nullcontext():
                    return self._attempt(work, on)
            except (sa.exc.DBAPIError, sa.exc.TimeoutError, Raced) as error:
                if not _transient(error):
                    raise self._data_error(error) from error
                if time.monotonic() > deadline:
                    raise DataError(
                        f"The database {self.name} was busy for {WAIT_S:.0f} s. "
                        "Try again when the import that holds it is over."
                    ) from error
            time.sleep(random.uniform(0.001, 0.02))

    def _attempt(self, work: Callable[[sa.Connection], T], on: sa.Connection | None) -> T:
        with nullcontext(on) if on is not None else self.engine.connect() as connection:
            connection.execution_options(segue_begin="BEGIN IMMEDIATE")
            with connection.begin():
                return work(connection)

    def insert(self, table: sa.Table) -> Upsert:
        """Begin an INSERT that knows `ON CONFLICT`."""
        return sqlite.insert(table) if self.is_sqlite else postgresql.insert(table)

    def fetch(self, statement: _Lookup, parameters: Mapping[str, object]) -> list[tuple[Any, ...]]:
        """Run a look-up on an idle raw connection, past SQLAlchemy's bookkeeping.

        Connections are lent to one thread at a time and are never in a transaction. The statement
        must be a constant: its text is kept.
        """
        known = self._compiled.get(statement)
        if known is None:
            compiled = statement.compile(dialect=self.engine.dialect)
            known = self._compiled[statement] = (str(compiled), dict(compiled.params))
        sql, constants = known
        parameters = {**constants, **parameters}
        for last in (False, True):  # an idle connection may have died with its server
            try:
                connection = self._idle.pop() if self._idle and not last else self._detached()
            except IndexError:  # another thread took the last one
                connection = self._detached()
            try:
                rows: list[tuple[Any, ...]] = connection.execute(sql, parameters).fetchall()
            except self.engine.dialect.loaded_dbapi.Error as error:
                connection.close()
                if last:
                    raise self._data_error(error) from error
            self._idle.append(connection)
            if len(self._idle) > _IDLE:
                self._close_one()
            return rows
        raise AssertionError("unreachable")

    def _detached(self) -> Any:
        with self.reported():
            proxied = self.engine.raw_connection()
            connection: Any = proxied.driver_connection
            proxied.detach()
        if not self.is_sqlite:
            connection.autocommit = True
        return connection

    def dispose(self) -> None:
        """Let go of every idle connection; new ones are made as needed.

        In a process forked since they were made, they are the parent's: they are then left
        alone, not closed.
        """
        if os.getpid() != self._pid:
            _inherited.append((self.engine.pool, self._idle))
            self._renew()
            self.engine.dispose(close=False)
            return
        self.engine.dispose()
        while self._idle:
            self._close_one()

    def _close_one(self) -> None:
        with suppress(IndexError):  # another thread took the last one
            self._idle.popleft().close()


_open: weakref.WeakSet[Database] = weakref.WeakSet()
_inherited: list[object] = []  # kept from collection, which would close the parent's connections


def _after_fork() -> None:
    for database in list(_open):
        database.dispose()


os.register_at_fork(after_in_child=_after_fork)


def written(
    connection: sa.Connection,
    statement: sa.Insert,
    rows: Sequence[Mapping[str, object]] | None = None,
) -> int:
    """Run an INSERT; return how many rows it added or replaced, those it passed over aside."""
    options = {"preserve_rowcount": True}
    return connection.execute(statement, rows, execution_options=options).rowcount


def _sqlite_engine(url: sa.URL) -> sa.Engine:
    engine = sa.create_engine(
        url,
        paramstyle="named",
        max_overflow=64,
        # Python must not begin transactions by itself; the listener below does.
        connect_args={"isolation_level": None, "check_same_thread": False},
    )

    @sa.event.listens_for(engine, "connect")
    def _(connection: Any, _record: object) -> None:
        connection.execute(f"PRAGMA busy_timeout = {_BUSY_TIMEOUT_MS}")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA secure_delete = ON")  # what is erased is overwritten

    @sa.event.listens_for(engine, "begin")
    def _(connection: sa.Connection) -> None:
        # A writer takes the lock at once: a transaction that first reads cannot wait for it.
        begin = connection.get_execution_options().get("segue_begin", "BEGIN")
        connection.exec_driver_sql(begin)

    return engine


def _postgres_engine(url: sa.URL) -> sa.Engine:
    timeout = {} if "connect_timeout" in url.query else {"connect_timeout": 10}
    engine = sa.create_engine(url, pool_pre_ping=True, connect_args=timeout)

    @sa.event.listens_for(engine, "connect")
    def _(connection: Any, _record: object) -> None:
        # A server set to acknowledge before it has written would break the promise of `write`.
        connection.execute(
            "SELECT set_config('synchronous_commit', 'on', false) "
            "WHERE current_setting('synchronous_commit') = 'off'"
        )
        connection.commit()

    return engine


def _transient(error: Exception) -> bool:
    if isinstance(error, Raced):
        return True
    original = getattr(error, "orig", None)
    code = getattr(original, "sqlite_errorcode", None)
    if code is not None:
        return code & 0xFF in _SQLITE_BUSY
    return getattr(original, "sqlstate", None) in _POSTGRES_RETRY
