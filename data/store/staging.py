"""Rows gathered in temporary tables before anyone is made to wait for them.

An import first pours its rows into a temporary table, however slowly they are read; only then
does it take the write lock, and merges them with a few statements. Memory stays bounded, and an
exception while reading leaves no trace.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from data.errors import DataError
from data.store.database import Database

_CACHE_KIB = 131_072  # page cache of an import into SQLite; the default of 2 MiB thrashes
_NAMED = 5  # ids that a message names
_IMPORTS = 0x5E60F  # PostgreSQL's advisory lock of imports


@dataclass(frozen=True)
class ImportCounts:
    """What an import did.

    Attributes
    ----------
    new, changed, same : int
        Distinct records added, replaced, and found as they were.
    new_tracks : int
        Tracks added with nothing but their id.
    """

    new: int
    changed: int
    same: int
    new_tracks: int = 0


def stage_table(name: str, *columns: sa.Column[Any] | sa.Index) -> sa.Table:
    """Describe a temporary table."""
    return sa.Table(name, sa.MetaData(), *columns, prefixes=["TEMPORARY"])


@contextmanager
def staging(database: Database, *tables: sa.Table) -> Iterator[sa.Connection]:
    """Lend a connection of its own that has these temporary tables, empty.

    It is closed at the end, and with it go the tables, their file and the large cache. (Giving a
    used cache back by setting its size, SQLite 3.40 corrupts its temporary database.)
    """
    with database.reported(), database.engine.connect() as connection:
        connection.detach()
        with connection.begin():
            if database.is_sqlite:
                connection.exec_driver_sql(f"PRAGMA main.cache_size = -{_CACHE_KIB}")
                connection.exec_driver_sql(f"PRAGMA temp.cache_size = -{_CACHE_KIB}")
            for table in tables:
                table.create(connection)
        yield connection


def pour(connection: sa.Connection, table: sa.Table, rows: Iterable[tuple[Any, ...]]) -> None:
    """Add rows, whose values are in the order of the columns, the fastest way there is."""
    driver: Any = connection.connection.dbapi_connection
    if connection.dialect.name == "sqlite":
        places = ", ".join("?" * len(table.columns))
        driver.executemany(f"INSERT INTO {table.name} VALUES ({places})", rows)
        return
    with driver.cursor() as cursor, cursor.copy(f"COPY {table.name} FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)


def analyse(connection: sa.Connection, table: sa.Table) -> None:
    """Tell PostgreSQL's planner the size of a temporary table, which it does not learn itself."""
    if connection.dialect.name != "sqlite":
        connection.exec_driver_sql(f"ANALYZE {table.name}")


def one_at_a_time(connection: sa.Connection) -> None:
    """Let no other import merge until the end of the transaction; SQLite has one writer anyway."""
    if connection.dialect.name != "sqlite":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_IMPORTS)))


def refuse_unknown(unknown: Sequence[str]) -> None:
    """Raise `DataError` naming the first few of the unknown tracks."""
    named = ", ".join(f"{track!r:.80}" for track in unknown[:_NAMED])
    more = ", ..." if len(unknown) > _NAMED else ""
    is_not, it = ("track is", "it") if len(unknown) == 1 else ("tracks are", "them")
    raise DataError(
        f"{len(unknown)} {is_not} not in the catalogue: {named}{more}. "
        f"Import {it} first, or allow unknown tracks to be added."
    )
