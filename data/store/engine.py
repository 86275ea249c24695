"""Connections as this store needs them: settings, transactions, and which failures pass."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

_BUSY_TIMEOUT_MS = 10_000
_SQLITE_BUSY = {5, 6}  # SQLITE_BUSY, SQLITE_LOCKED
_POSTGRES_RETRY = {"40001", "40P01", "55P03"}  # serialization, deadlock, lock not available


def make_engine(url: sa.URL) -> sa.Engine:
    """Return an engine for a parsed URL; nothing is connected yet."""
    return _sqlite(url) if url.get_backend_name() == "sqlite" else _postgres(url)


def _sqlite(url: sa.URL) -> sa.Engine:
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


def _postgres(url: sa.URL) -> sa.Engine:
    timeout = {} if "connect_timeout" in url.query else {"connect_timeout": 10}
    engine = sa.create_engine(url, pool_pre_ping=True, connect_args=timeout)

    @sa.event.listens_for(engine, "connect")
    def _(connection: Any, _record: object) -> None:
        # A server set to acknowledge before it has written would break the promise of a write.
        connection.execute(
            "SELECT set_config('synchronous_commit', 'on', false) "
            "WHERE current_setting('synchronous_commit') = 'off'"
        )
        connection.commit()

    return engine


def raw_connection(engine: sa.Engine) -> Any:
    """Return a driver's connection of one's own, in autocommit and outside the pool."""
    proxied = engine.raw_connection()
    connection: Any = proxied.driver_connection
    proxied.detach()
    if engine.dialect.name != "sqlite":
        connection.autocommit = True
    return connection


def transient(error: Exception) -> bool:
    """Whether a failure is only another writer in the way."""
    original = getattr(error, "orig", None) or error
    code = getattr(original, "sqlite_errorcode", None)
    if code is not None:
        return code & 0xFF in _SQLITE_BUSY
    return getattr(original, "sqlstate", None) in _POSTGRES_RETRY
