"""Columns of a table from outside, checked and as plain values that a driver takes.

Readers have already checked files row by row, and can name the line; these are the last line of
defence of the database, and check whole columns at once.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from itertools import repeat

import numpy as np
import numpy.typing as npt
import pandas as pd

from data.checks import id_problem
from data.errors import DataError
from data.store.text import clean

MAX_AT = 1 << 40
"""Beyond this, Unix seconds must be milliseconds (the year 36812)."""

MAX_MS = 1 << 53
"""Beyond this, a duration in milliseconds is no number that JSON carries."""


def ids_of(frame: pd.DataFrame, name: str) -> list[str]:
    """Return a column of ids.

    Raises
    ------
    DataError
        If the column is missing or an id is invalid.
    """
    if name not in frame:
        raise DataError(f"The column `{name}` is missing. Received: {', '.join(frame.columns)}.")
    values: list[str] = frame[name].tolist()
    check_ids(name, values)
    return values


def check_ids(name: str, values: Iterable[object]) -> None:
    """Raise `DataError` unless every value is a valid id."""
    for value in dict.fromkeys(values):
        problem = id_problem(value)
        if problem is not None:
            raise DataError(f"`{name}` {problem}. Received: {value!r:.80}.")


def texts_of(frame: pd.DataFrame, name: str) -> Iterable[str | None]:
    """Return a column of optional text; all None if it is missing."""
    if name not in frame:
        return repeat(None)
    column = frame[name]
    values = column.astype(object).where(column.notna(), None)
    return [None if v is None else clean(str(v)) for v in values.tolist()]


def choices_of(
    frame: pd.DataFrame, name: str, *, choices: Collection[str], default: str
) -> list[str]:
    """Return a column of known words, `default` where a value is missing."""
    if name not in frame:
        return [default] * len(frame)
    column = frame[name]
    values: list[str] = column.astype(object).where(column.notna(), default).tolist()
    strange = sorted(map(str, set(values) - set(choices)))
    if strange:
        known = ", ".join(choices)
        raise DataError(f"`{name}` must be one of {known}. Received: {strange[0]!r:.80}.")
    return values


def counts_of(frame: pd.DataFrame, name: str) -> npt.NDArray[np.float64]:
    """Return a column of finite numbers above zero; 1 where missing."""
    if name not in frame:
        return np.ones(len(frame))
    try:
        values = frame[name].fillna(1.0).to_numpy(dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(f"`{name}` must hold numbers: {error}.") from error
    bad = values[~(np.isfinite(values) & (values > 0))]
    if bad.size:
        raise DataError(f"`{name}` must be a finite number above zero. Received: {bad[0]}.")
    return np.asarray(values)


def whole_of(frame: pd.DataFrame, name: str, *, lowest: int, below: int) -> npt.NDArray[np.int64]:
    """Return a column of integers from `lowest` to under `below`; -1 where missing."""
    if name not in frame:
        return np.full(len(frame), -1, np.int64)
    column = frame[name]
    try:
        values = column.astype("Int64").fillna(-1).to_numpy(dtype=np.int64)
    except (TypeError, ValueError) as error:
        raise DataError(f"`{name}` must hold whole numbers: {error}.") from error
    bad = values[((values < lowest) & column.notna().to_numpy()) | (values >= below)]
    if bad.size:
        raise DataError(f"`{name}` must be from {lowest} to {below - 1}. Received: {bad[0]}.")
    return np.asarray(values)
