"""Columns of Parquet as the text or numbers that readers check."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from data.readers.columns import numpy_mask
from data.readers.formats import FileKind

_Mask = npt.NDArray[np.bool_]


def _plain(array: pa.Array) -> pa.Array:
    return array.dictionary_decode() if pa.types.is_dictionary(array.type) else array


def convert_repeated(array: pa.Array) -> tuple[pa.Array, _Mask]:
    """Return a column as text, each distinct value once, and where it cannot be text."""
    if not pa.types.is_dictionary(array.type):
        if not (pa.types.is_integer(array.type) or is_text(array.type)):
            return _with_losses(array, _texts(array))
        array = array.dictionary_encode()
    if array.dictionary.null_count:  # a null may be a value of the dictionary, or no value at all
        array = array.dictionary_decode().dictionary_encode()
    values, lost = _with_losses(array.dictionary, _texts(array.dictionary))
    indices = array.indices.cast(pa.int32())
    result = pa.DictionaryArray.from_arrays(indices, pc.fill_null(values, ""))
    if not lost.any():
        return result, np.zeros(len(array), dtype=np.bool_)
    return result, numpy_mask(pa.array(lost).take(indices))


def convert(array: pa.Array, kind: FileKind, *, name: str) -> tuple[pa.Array, _Mask]:
    """Return a column as text (or lists), null where that cannot be, and where it cannot be."""
    array = _plain(array)
    if name in kind.lists:
        result = _lists(array)
    elif name in kind.numbers:
        result = _numbers(array)
    else:
        result = _texts(array)
    return _with_losses(array, result)


def _with_losses(array: pa.Array, result: pa.Array) -> tuple[pa.Array, _Mask]:
    # What was there and is null now could not be converted.
    return result, numpy_mask(pc.and_(array.is_valid(), result.is_null()))


def _texts(array: pa.Array) -> pa.Array:
    kind = array.type
    if pa.types.is_date(kind) or pa.types.is_timestamp(kind):
        return pc.cast(pc.cast(array, pa.date32(), safe=False), pa.large_string())
    if pa.types.is_integer(kind):
        return pc.cast(array, pa.large_string())
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        if is_text(kind.value_type):
            return pc.cast(pc.binary_join(array, "|"), pa.large_string())
    elif is_text(kind):
        return _valid_text(array)
    return pa.nulls(len(array), pa.large_string())


def is_text(kind: pa.DataType) -> bool:
    """Whether values are text, or bytes, as which some writers leave text."""
    names = ("string", "large_string", "string_view", "binary", "large_binary")
    return str(kind) in names


def _valid_text(array: pa.Array) -> pa.Array:
    """Return text with nulls where it is not UTF-8, which Arrow does not check when reading."""
    try:
        text = pc.cast(array, pa.large_string())
        text.validate(full=True)
    except pa.ArrowInvalid:
        raw = pc.cast(array, pa.large_binary()).to_pylist()
        return pa.array([_unicode(value) for value in raw], type=pa.large_string())
    return text


def _unicode(value: bytes | None) -> str | None:
    try:
        return None if value is None else value.decode("utf-8")
    except UnicodeDecodeError:
        return None


def _numbers(array: pa.Array) -> pa.Array:
    kind = array.type
    if pa.types.is_date(kind):
        array, kind = pc.cast(array, pa.timestamp("s")), pa.timestamp("s")
    if pa.types.is_timestamp(kind):
        units = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[kind.unit]
        ticks = pc.fill_null(pc.cast(array, pa.int64()), 0).to_numpy(zero_copy_only=False)
        absent = array.is_null().to_numpy(zero_copy_only=False)
        return pa.array(ticks // units, mask=absent)
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return pc.cast(array, pa.float64())
    return array if pa.types.is_integer(kind) else _texts(array)


def _lists(array: pa.Array) -> pa.Array:
    kind = array.type
    wanted = pa.large_list(pa.float64())
    nested = (pa.types.is_list, pa.types.is_large_list, pa.types.is_fixed_size_list)
    if any(test(kind) for test in nested):
        value = kind.value_type
        if pa.types.is_floating(value) or pa.types.is_integer(value):
            return pc.cast(array, wanted, safe=False)
    return pa.nulls(len(array), wanted)
