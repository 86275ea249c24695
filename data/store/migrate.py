"""Brings a database to the schema of this version; see `migrations/`."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import sqlalchemy as sa

from data.errors import DataError
from data.store.database import WAIT_S, Database
from data.store.schema import metadata

HEAD = "0003"
"""The newest revision in `migrations/versions`."""

_SCRIPTS = Path(__file__).parent / "migrations"
_LOCK = 0x5E60E  # PostgreSQL's advisory lock of migrations
_WAL = sa.text("PRAGMA journal_mode = WAL")
_alembic = threading.Lock()  # Alembic's environment is global to the process


def migrate(database: Database) -> None:
    """Create or upgrade the tables. Safe to run from many processes at once.

    Raises
    ------
    DataError
        If the database is unreachable, is no database, holds another program's tables, or was
        written by a newer version of Segue.
    """
    if database.is_sqlite:
        _use_wal(database)
    with database.read() as connection:
        current = _revision(connection)
    if current != HEAD:
        with _alembic:
            database.write(lambda connection: _upgrade(connection, database))


def _use_wal(database: Database) -> None:
    """Switch to write-ahead logging, which a file remembers."""
    deadline = time.monotonic() + WAIT_S
    while True:
        try:
            # In autocommit: the mode cannot be changed inside a transaction.
            mode = database.fetch(_WAL, {})[0][0]
        except DataError as error:
            # Two processes that create the same file do not wait for each other here.
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.02)
            continue
        if mode != "wal":
            raise DataError(
                f"The database {database.name} cannot use write-ahead logging. "
                "Put it on a local disk, or use PostgreSQL."
            )
        return


def _revision(connection: sa.Connection) -> str | None:
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    found = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
    return None if found is None else str(found)


def _upgrade(connection: sa.Connection, database: Database) -> None:
    # Alembic takes longer to import than a command to run, and is rarely needed.
    import alembic.command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    if not database.is_sqlite:
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
    current = _revision(connection)  # again: another process may have been faster
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if current is None:
        _refuse_clash(connection, database)
    elif current not in known:
        raise DataError(
            f"The database {database.name} is of schema {current!r}, which is newer than this "
            f"version of Segue ({HEAD!r}). Upgrade Segue, or open a backup from before."
        )
    alembic.command.upgrade(config, "head")


def _refuse_clash(connection: sa.Connection, database: Database) -> None:
    clash = sorted(set(sa.inspect(connection).get_table_names()) & set(metadata.tables))
    if clash:
        raise DataError(
            f"The database {database.name} already holds tables named {', '.join(clash)} that "
            "Segue did not make. Give Segue a database of its own."
        )
