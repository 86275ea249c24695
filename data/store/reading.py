"""Results in pages and in columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pandas as pd
import sqlalchemy as sa

from data.checks import check_id, check_positive

CHUNK = 50_000
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


def columns_of(connection: sa.Connection, query: sa.Select[Any]) -> Iterator[list[tuple[Any, ...]]]:
    """Yield a result by columns, `CHUNK` rows at a time; the whole is never held."""
    options = {"stream_results": True, "max_row_buffer": CHUNK}
    result = connection.execute(query, execution_options=options)
    for rows in result.partitions(CHUNK):
        yield list(zip(*rows, strict=True))


def frames_of(
    connection: sa.Connection, query: sa.Select[Any], dtypes: Sequence[str]
) -> Iterator[pd.DataFrame]:
    """Yield a result as tables, `CHUNK` rows at a time."""
    names = [column.name for column in query.selected_columns]
    for columns in columns_of(connection, query):
        parts = zip(names, columns, dtypes, strict=True)
        yield pd.DataFrame({name: pd.Series(v, dtype=dtype) for name, v, dtype in parts})
