"""Columns of text checked and turned into values, all rows at once.

Each function marks what it cannot use in a `Faults`; what it returns there is of no account.
Row by row in Python goes only a column that holds a value which Arrow cannot read.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from data.checks import MAX_ID_BYTES, id_problem
from data.interactions import EVENTS

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
"""What a number may look like: what Arrow reads as one, but for its infinities and NaN."""


class Faults:
    """What is wrong with which rows; the first reason of a row stands."""

    def __init__(self, size: int) -> None:
        self.bad: Mask = np.zeros(size, dtype=np.bool_)
        self.reasons: dict[int, str] = {}

    def mark(self, mask: Mask, reason: str | Callable[[int], str]) -> None:
        """Mark the rows of a mask of shape (n,), for one reason or each for its own."""
        for position in np.flatnonzero(mask & ~self.bad).tolist():
            self.reasons[position] = reason if isinstance(reason, str) else reason(position)
        self.bad |= mask


def numpy_mask(array: pa.Array | pa.ChunkedArray) -> Mask:
    """Return a boolean array with null as False."""
    filled = pc.fill_null(array, False)
    return np.asarray(filled.to_numpy(zero_copy_only=False), dtype=np.bool_)


def blank_to_null(array: pa.Array) -> pa.Array:
    """Return texts with null for the empty ones."""
    return pc.if_else(pc.equal(array, ""), pa.scalar(None, array.type), array)


def strings(array: pa.Array) -> npt.NDArray[np.object_]:
    """Return texts as an object array of str or None."""
    return np.asarray(array.to_numpy(zero_copy_only=False), dtype=object)


def shown(value: str | None) -> str:
    """Return a value for a message: bare if it is a number, else quoted and cut."""
    if value is not None and len(value) < 40 and NUMBER.fullmatch(value):
        return value
    return f"{value!r:.80}"


def ids(name: str, array: pa.Array, faults: Faults, *, optional: bool = False) -> None:
    """Check a column of ids (see `data.checks`); an optional one may be null."""
    size = pc.binary_length(array)
    good = pc.and_(pc.greater(size, 0), pc.less_equal(size, MAX_ID_BYTES))
    good = pc.and_(good, pc.invert(pc.match_substring(array, "\x00")))
    good = pc.fill_null(good, optional)

    def describe(position: int) -> str:
        value = array[position].as_py() or ""
        received = f" Received: {shown(value)}." if value else ""
        return f"`{name}` {id_problem(value)}.{received}"

    faults.mark(~numpy_mask(good), describe)


def no_nul(name: str, array: pa.Array, faults: Faults) -> None:
    """Refuse texts with a NUL character, which PostgreSQL cannot hold."""
    mask = numpy_mask(pc.match_substring(array, "\x00"))
    faults.mark(mask, f"`{name}` holds a NUL character.")


def cast_all(text: pa.Array, kind: pa.DataType) -> pa.Array | None:
    """Return texts as another type, or None if that cannot be said of all of them.

    The first is tried alone: a cast of many that fails takes far longer than one that succeeds.
    """
    try:
        pc.cast(text.drop_null()[:1], kind)
        return pc.cast(text, kind)
    except pa.ArrowInvalid:
        return None


def numbers(array: pa.Array) -> Floats:
    """Return texts as float64: null as NaN, what is no number as minus infinity."""
    text = pc.utf8_trim_whitespace(array)
    values = cast_all(text, pa.float64())
    if values is None:
        values = pa.array([_number(value) for value in text.to_pylist()], type=pa.float64())
    result = np.asarray(values.to_numpy(zero_copy_only=False), dtype=np.float64)
    result = np.where(np.isfinite(result), result, -np.inf)
    result[~numpy_mask(pc.is_valid(array))] = np.nan
    return result


def _number(text: str | None) -> float | None:
    if text is None:
        return None
    return float(text) if NUMBER.fullmatch(text) else -np.inf


def counts(array: pa.Array, faults: Faults) -> Floats:
    """Return plays, above zero; 1 where missing."""
    values = numbers(array)
    values[np.isnan(values)] = 1.0
    with np.errstate(over="ignore", under="ignore"):
        usable = values.astype(np.float32)  # what `Interactions` will hold
    bad = ~(np.isfinite(usable) & (usable > 0))

    def describe(position: int) -> str:
        need = "above zero" if np.isfinite(values[position]) else "a number above zero"
        return f"`count` must be {need}. Received: {shown(array[position].as_py())}."

    faults.mark(bad, describe)
    return values


def durations(array: pa.Array, faults: Faults) -> tuple[npt.NDArray[np.int64], Mask]:
    """Return milliseconds as int64, and where they are missing."""
    values = numbers(array)
    missing = np.isnan(values)
    bad = ~missing & ~((values >= 0) & (values < 2**53) & (values == np.floor(values)))
    faults.mark(
        bad,
        lambda i: (
            "`played_ms` must be a whole number of milliseconds, zero or above. "
            f"Received: {shown(array[i].as_py())}."
        ),
    )
    return np.where(missing | bad, 0, values).astype(np.int64), missing


def events(array: pa.Array, faults: Faults) -> npt.NDArray[np.object_]:
    """Return kinds of event; `listen` where missing."""
    filled = pc.fill_null(array, "listen")
    found = pc.fill_null(pc.index_in(filled, value_set=pa.array(EVENTS, type=filled.type)), -1)
    codes = np.asarray(found.to_numpy(zero_copy_only=False), dtype=np.int32)
    faults.mark(
        codes < 0,
        lambda i: (
            f"`event` must be one of {', '.join(EVENTS)}. Received: {shown(array[i].as_py())}."
        ),
    )
    return np.array(EVENTS, dtype=object)[codes]
