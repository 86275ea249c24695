"""Columns of text checked and turned into values, all rows at once.

Each function marks what it cannot use in a `Faults`; what it returns there is of no account.
Row by row in Python goes only a column that holds a value which Arrow cannot read. Of a column
with a dictionary each distinct value is looked at once; columns of numbers may be numbers.
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
    if absent(array):
        return np.full(len(array), None, dtype=object)
    if pa.types.is_dictionary(array.type):
        if len(array.dictionary) > len(array):  # most of it is of other rows
            return strings(array.dictionary_decode())
        # The last one stands for null, to which -1 leads.
        values: npt.NDArray[np.object_] = np.full(len(array.dictionary) + 1, None, dtype=object)
        values[:-1] = strings(array.dictionary)
        return np.asarray(values[pc.fill_null(array.indices, -1).to_numpy()])
    return np.asarray(array.to_numpy(zero_copy_only=False), dtype=object)


def each(function: Callable[[pa.Array], pa.Array], array: pa.Array) -> pa.Array:
    """Return what a function gives for each text, asked once for each distinct one."""
    if not pa.types.is_dictionary(array.type):
        return function(array)
    return function(array.dictionary).take(array.indices)


def absent(array: pa.Array) -> bool:
    """Whether a column holds nothing at all."""
    return bool(array.null_count == len(array))


def is_number(array: pa.Array) -> bool:
    """Whether a column holds numbers already, not text."""
    return bool(pa.types.is_integer(array.type) or pa.types.is_floating(array.type))


def text_at(array: pa.Array, position: int) -> str | None:
    """Return one value of a column as the text that it is or would be."""
    value: str | None = pc.cast(array.slice(position, 1), pa.large_string())[0].as_py()
    return value


def shown(value: str | None) -> str:
    """Return a value for a message: bare if it is a number, else quoted and cut."""
    if value is not None and len(value) < 40 and NUMBER.fullmatch(value):
        return value
    return f"{value!r:.80}"


def ids(name: str, array: pa.Array, faults: Faults, *, optional: bool = False) -> None:
    """Check a column of ids (see `data.checks`); an optional one may be null."""
    if optional and absent(array):
        return
    distinct = array.dictionary if pa.types.is_dictionary(array.type) else array
    if not array.null_count and pc.all(_good_ids(distinct)).as_py():
        return  # as nearly always, without a look at each row
    good = pc.fill_null(each(_good_ids, array), optional)

    def describe(position: int) -> str:
        value = array[position].as_py() or ""
        received = f" Received: {shown(value)}." if value else ""
        return f"`{name}` {id_problem(value)}.{received}"

    faults.mark(~numpy_mask(good), describe)


def _good_ids(array: pa.Array) -> pa.Array:
    size = pc.binary_length(array)
    good = pc.and_(pc.greater(size, 0), pc.less_equal(size, MAX_ID_BYTES))
    return pc.and_(good, pc.invert(pc.match_substring(array, "\x00")))


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
    """Return texts or numbers as float64: null as NaN, what is no number as minus infinity."""
    if is_number(array):
        return _numbers(pc.cast(array, pa.float64(), safe=False))
    text = pc.utf8_trim_whitespace(array)
    values = cast_all(text, pa.float64())
    if values is None:
        values = pa.array([_number(value) for value in text.to_pylist()], type=pa.float64())
    return _numbers(values)


def _numbers(values: pa.Array) -> Floats:
    result = np.array(values.to_numpy(zero_copy_only=False), dtype=np.float64)
    finite = np.isfinite(result)
    if not finite.all():
        result[~finite] = -np.inf
    if values.null_count:
        result[numpy_mask(values.is_null())] = np.nan
    return result


def _number(text: str | None) -> float | None:
    if text is None:
        return None
    return float(text) if NUMBER.fullmatch(text) else -np.inf


def counts(array: pa.Array, faults: Faults) -> Floats:
    """Return plays, above zero; 1 where missing."""
    if absent(array):
        return np.ones(len(array))
    if pa.types.is_integer(array.type) and not array.null_count and pc.min(array).as_py() > 0:
        return np.array(pc.cast(array, pa.float64(), safe=False).to_numpy())
    values = numbers(array)
    values[np.isnan(values)] = 1.0
    with np.errstate(over="ignore", under="ignore"):
        usable = values.astype(np.float32)  # what `Interactions` will hold
    bad = ~(np.isfinite(usable) & (usable > 0))

    def describe(position: int) -> str:
        need = "above zero" if np.isfinite(values[position]) else "a number above zero"
        return f"`count` must be {need}. Received: {shown(text_at(array, position))}."

    faults.mark(bad, describe)
    return values


def durations(array: pa.Array, faults: Faults) -> tuple[npt.NDArray[np.int64], Mask]:
    """Return milliseconds as int64, and where they are missing."""
    if absent(array):
        return np.zeros(len(array), np.int64), np.ones(len(array), np.bool_)
    values = numbers(array)
    missing = np.isnan(values)
    bad = ~missing & ~((values >= 0) & (values < 2**53) & (values == np.floor(values)))
    faults.mark(
        bad,
        lambda i: (
            "`played_ms` must be a whole number of milliseconds, zero or above. "
            f"Received: {shown(text_at(array, i))}."
        ),
    )
    return np.where(missing | bad, 0, values).astype(np.int64), missing


def events(array: pa.Array, faults: Faults) -> npt.NDArray[np.int8]:
    """Return kinds of event as positions in `EVENTS`; `listen` where missing."""
    if absent(array):
        return np.full(len(array), EVENTS.index("listen"), np.int8)
    found = pc.fill_null(each(_event_codes, array), EVENTS.index("listen"))
    codes = np.asarray(found.to_numpy(zero_copy_only=False), dtype=np.int8)
    faults.mark(
        codes < 0,
        lambda i: (
            f"`event` must be one of {', '.join(EVENTS)}. Received: {shown(array[i].as_py())}."
        ),
    )
    return codes


def _event_codes(array: pa.Array) -> pa.Array:
    codes = pc.fill_null(pc.index_in(array, value_set=pa.array(EVENTS, type=array.type)), -1)
    return pc.if_else(pc.equal(pc.fill_null(array, ""), ""), pa.scalar(None, codes.type), codes)
