"""Columns of ids that repeat, as indices: each distinct id is looked at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from data.vocabulary import Vocabulary

Indices = npt.NDArray[np.int32]

_TEXT = (pa.types.is_string, pa.types.is_large_string)

IDS = pa.dictionary(pa.int32(), pa.large_string())
"""Type of a column of ids of which each distinct one is held once."""


def encode(
    columns: Sequence[pa.DictionaryArray], vocabulary: Vocabulary | None = None
) -> tuple[Vocabulary, Indices]:
    """Return a vocabulary, and the indices of ids that come in pieces.

    Parameters
    ----------
    columns : sequence of DictionaryArray, of type `IDS`
        The pieces, each with a dictionary of its own, no value null. What a dictionary holds and
        no row uses is passed over.
    vocabulary : Vocabulary, optional
        By default the distinct ids, sorted.

    Returns
    -------
    vocabulary : Vocabulary
    indices : ndarray of int32, shape (n,)
        Of all pieces, one after the other; -1 where an id is not in the vocabulary.

    Raises
    ------
    DataError
        If a vocabulary is made, and an id is invalid.
    """
    plain = [np.asarray(column.indices.to_numpy(), dtype=np.int32) for column in columns]
    distinct, places = _unified([column.dictionary for column in columns])
    if vocabulary is None:
        used = _used(plain, places, len(distinct))
        # Arrow compares bytes: the order in which Python sorts texts.
        ids = distinct.filter(pa.array(used))
        vocabulary = Vocabulary(ids.take(pc.sort_indices(ids)))
    index = vocabulary.indices(distinct)
    return vocabulary, _looked_up(plain, [index[place] for place in places])


def text_column(values: pd.Series[Any]) -> pa.DictionaryArray | None:
    """Return texts as a column of type `IDS`, or None if not every one is valid text."""
    try:
        array = pa.array(values)
        if isinstance(array, pa.ChunkedArray):
            array = array.combine_chunks()
        if not len(array):
            array = pa.array([], type=pa.large_string())
        if array.null_count or not any(test(array.type) for test in _TEXT):
            return None
        return array.cast(pa.large_string()).dictionary_encode()
    except (pa.ArrowInvalid, pa.ArrowTypeError, UnicodeEncodeError):
        return None  # values of several types, or half of a surrogate pair


def _unified(dictionaries: list[pa.Array]) -> tuple[pa.Array, list[Indices]]:
    """Return all distinct values, and where among them those of each dictionary are."""
    nothing = pa.array([], type=pa.large_string())
    encoded = pa.concat_arrays([nothing, *dictionaries]).dictionary_encode()
    ends = np.cumsum([0, *map(len, dictionaries)])  # the last piece is what follows the last end
    return encoded.dictionary, np.split(encoded.indices.to_numpy(), ends[1:])[:-1]


def _used(plain: list[Indices], places: list[Indices], size: int) -> npt.NDArray[np.bool_]:
    """Return which of the distinct values occur in a row."""
    used = np.zeros(size, dtype=np.bool_)
    for indices, place in zip(plain, places, strict=True):
        here = np.zeros(place.size, dtype=np.bool_)
        here[indices] = True
        used[place[here]] = True
    return used


def _looked_up(plain: list[Indices], tables: list[Indices]) -> Indices:
    found = np.empty(sum(indices.size for indices in plain), dtype=np.int32)
    done = 0
    for indices, table in zip(plain, tables, strict=True):
        # Indices come from Arrow, which checked them; to wrap costs nothing, to raise a copy.
        np.take(table, indices, out=found[done : done + indices.size], mode="wrap")
        done += indices.size
    return found
