"""Transactions, retries and errors of one database; nothing of what it holds.

Writers of one process take turns, and those of different processes wait for each other: SQLite
has one writer at a time, and a writer that polls loses to one that queues.
"""

from __future__ import annotations

import os
import random
import threading
import time
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from typing import TypeVar

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from data.errors import DataError
from data.store.engine import make_engine, transient
from data.store.lookups import Lookup, Lookups, Rows
from data.store.url import describe_url, parse_url

T = TypeVar("T")

WAIT_S = 60.0
"""Seconds that a writer waits for others before it gives up."""

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
        self.engine = make_engine(parsed)
        self._secret = parsed.password
        driver: type[Exception] = self.engine.dialect.loaded_dbapi.Error
        self._failures = (sa.exc.DBAPIError, sa.exc.TimeoutError, driver)
        self._renew()
        _open.add(self)

    def _renew(self) -> None:
        self._pid = os.getpid()
        self._turn = threading.Lock()
        self._lookups = Lookups(self.engine)

    @contextmanager
    def reported(self) -> Iterator[None]:
        """Turn a failure of the database into a `DataError` of one line."""
        try:
            yield
        except self._failures as error:
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

    def fetch(self, statement: Lookup, parameters: Mapping[str, object]) -> Rows:
        """Return all rows of a look-up, the fastest way there is; see `Lookups.fetch`."""
        try:
            return self._lookups.fetch(statement, parameters)
        except self._failures as error:
            raise self._data_error(error) from error

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
            except (*self._failures, Raced) as error:
                if not (isinstance(error, Raced) or transient(error)):
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

    def dispose(self) -> None:
        """Let go of every idle connection; new ones are made as needed.

        In a process forked since they were made, they are the parent's: they are then left
        alone, not closed.
        """
        if os.getpid() == self._pid:
            self.engine.dispose()
            self._lookups.close()
        else:
            _inherited.append((self.engine.pool, self._lookups))
            self.engine.dispose(close=False)
            self._renew()


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
