"""Results in pages and in columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import Any

import pandas as pd
import sqlalchemy as sa

from data.checks import check_id, check_positive

CHUNK = 20_000
"""Rows read, or exported, at a time."""


def page(
    query: sa.Select[Any], key: sa.Column[str], *, limit: int, after: str | None
) -> sa.Select[Any]:
    """Order a query by `key` and cut it to the page behind `after`.

    Raises
    ------
    ParameterError
        If `limit` is not a positive integer, or `after` is no id.
    """
    check_positive("limit", limit, integer=True)
    if after is not None:
        query = query.where(key > check_id("after", after))
    return query.order_by(key).limit(limit)


def columns_of(
    connection: sa.Connection, query: sa.Select[Any], *, rows_at_once: int | None = None
) -> Iterator[list[tuple[Any, ...]]]:
    """Yield a result by columns, `CHUNK` rows at a time unless told; the whole is never held.

    Straight from the driver: SQLAlchemy's rows would take as long again, to become columns.
    """
    compiled = query.compile(dialect=connection.dialect)
    driver: Any = connection.connection.dbapi_connection
    # Of PostgreSQL, only a cursor with a name leaves the result on the server.
    name = () if connection.dialect.name == "sqlite" else ("segue",)
    with closing(driver.cursor(*name)) as cursor:
        cursor.execute(str(compiled), compiled.params)
        while rows := cursor.fetchmany(rows_at_once or CHUNK):
            yield list(zip(*rows, strict=True))


def frames_of(
    connection: sa.Connection, query: sa.Select[Any], dtypes: Sequence[str]
) -> Iterator[pd.DataFrame]:
    """Yield a result as tables, `CHUNK` rows at a time."""
    names = [column.name for column in query.selected_columns]
    for columns in columns_of(connection, query):
        parts = zip(names, columns, dtypes, strict=True)
        yield pd.DataFrame({name: pd.Series(v, dtype=dtype) for name, v, dtype in parts})
