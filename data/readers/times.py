"""Columns of times and dates, all rows at once (see `data.readers.columns`)."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from data.readers.columns import (
    NUMBER,
    Faults,
    Floats,
    absent,
    cast_all,
    is_number,
    numpy_mask,
    shown,
    text_at,
)

_DATE = re.compile(r"\d{4}(-\d{2}(-\d{2})?)?", re.ASCII)
_LAST_SECOND = 253_402_300_799  # 9999-12-31T23:59:59Z


def times(array: pa.Array, faults: Faults) -> npt.NDArray[np.int64]:
    """Return Unix seconds, rounded down; -1 where missing.

    A number is Unix seconds, also one like 20240131; anything else is ISO 8601, UTC where it
    names no zone.
    """
    if absent(array):
        return np.full(len(array), -1, np.int64)
    seconds = _seconds(array)
    missing = np.isnan(seconds)
    bad = ~missing & ~((seconds >= 0) & (seconds <= _LAST_SECOND))

    def describe(position: int) -> str:
        value = shown(text_at(array, position))
        if seconds[position] > _LAST_SECOND:
            return (
                "`listened_at` is after the year 9999; Unix seconds are expected, not "
                f"milliseconds. Received: {value}."
            )
        return (
            "`listened_at` must be an ISO 8601 time or Unix seconds, from 1970 on. "
            f"Received: {value}."
        )

    faults.mark(bad, describe)
    return np.where(missing | bad, -1, seconds).astype(np.int64)


def _seconds(array: pa.Array) -> Floats:
    """Return times as float64 seconds: null as NaN, what is no time as minus infinity."""
    if is_number(array):
        return _floored(pc.cast(array, pa.float64(), safe=False))
    text = pc.utf8_trim_whitespace(array)
    for unit in (pa.float64(), pa.timestamp("us"), pa.timestamp("us", tz="UTC")):
        values = cast_all(text, unit)
        if values is not None:
            return _floored(values)
    return _floored(pa.array([_moment(value) for value in text.to_pylist()], type=pa.float64()))


def _floored(values: pa.Array) -> Floats:
    valid = numpy_mask(pc.is_valid(values))
    if pa.types.is_timestamp(values.type):
        ticks = pc.fill_null(pc.cast(values, pa.int64()), 0)
        seconds = (np.asarray(ticks.to_numpy(zero_copy_only=False)) // 10**6).astype(np.float64)
    else:
        found = np.asarray(values.to_numpy(zero_copy_only=False), dtype=np.float64)
        seconds = np.floor(np.where(np.isfinite(found), found, -np.inf))
    seconds[~valid] = np.nan
    return seconds


def _moment(text: str | None) -> float | None:
    if text is None:
        return None
    if NUMBER.fullmatch(text):
        return float(text)
    try:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return -np.inf


def dates(name: str, array: pa.Array, faults: Faults) -> None:
    """Check a column of ISO dates: YYYY, YYYY-MM or YYYY-MM-DD."""
    wrong = [v for v in pc.unique(array).to_pylist() if v is not None and not _is_date(v)]
    if wrong:
        mask = numpy_mask(pc.is_in(array, value_set=pa.array(wrong, type=array.type)))
        faults.mark(
            mask,
            lambda i: (
                f"`{name}` must be an ISO date (YYYY-MM-DD, YYYY-MM or YYYY). "
                f"Received: {shown(array[i].as_py())}."
            ),
        )


def _is_date(text: str) -> bool:
    if not _DATE.fullmatch(text):
        return False
    try:
        date.fromisoformat(text + "-01-01"[len(text) - 4 :])
    except ValueError:
        return False
    return True
