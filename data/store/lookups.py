"""Single look-ups past SQLAlchemy's bookkeeping, for what every request asks."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import sqlalchemy as sa

from data.store.engine import raw_connection

Lookup = sa.Select[Any] | sa.TextClause
Rows = list[tuple[Any, ...]]

_IDLE = 8  # connections kept


class Lookups:
    """Idle raw connections, each lent to one thread at a time, and compiled statements."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._compiled: dict[Lookup, tuple[str, dict[str, Any]]] = {}
        self.idle: deque[Any] = deque()

    def fetch(self, statement: Lookup, parameters: Mapping[str, object]) -> Rows:
        """Return all rows of a statement, which must be a constant: its text is kept."""
        known = self._compiled.get(statement)
        if known is None:
            compiled = statement.compile(dialect=self._engine.dialect)
            known = self._compiled[statement] = (str(compiled), dict(compiled.params))
        sql, constants = known
        parameters = {**constants, **parameters}
        try:
            connection = self.idle.pop()
        except IndexError:
            return self._run(raw_connection(self._engine), sql, parameters)
        try:
            return self._run(connection, sql, parameters)
        except self._engine.dialect.loaded_dbapi.Error:
            # It may have died with its server; a new one decides.
            return self._run(raw_connection(self._engine), sql, parameters)

    def _run(self, connection: Any, sql: str, parameters: Mapping[str, object]) -> Rows:
        try:
            rows: Rows = connection.execute(sql, parameters).fetchall()
        except BaseException:
            connection.close()
            raise
        self.idle.append(connection)
        if len(self.idle) > _IDLE:
            self._close_one()
        return rows

    def close(self) -> None:
        """Close the idle connections."""
        while self.idle:
            self._close_one()

    def _close_one(self) -> None:
        with suppress(IndexError):  # another thread took the last one
            self.idle.popleft().close()
