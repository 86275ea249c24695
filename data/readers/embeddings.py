"""The reader of embeddings."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from data.readers import columns
from data.readers.chunk import Chunk
from data.readers.formats import EMBEDDINGS
from data.readers.jsonlines import number_list
from data.readers.rejects import RejectSink
from data.readers.tables import Source, duplicates

Batch = tuple[list[str], npt.NDArray[np.float32]]


def read_embeddings(path: Path, *, rejects: RejectSink | None = None) -> Iterator[Batch]:
    """Read an embeddings file.

    Parameters
    ----------
    path : Path
        Parquet or JSON lines with `track_id` and `embedding`, a list of numbers. In CSV and TSV
        the list is written as JSON: `"[0.5, -1.25]"`.
    rejects : RejectSink, optional
        Where bad rows go. Without one the first bad row is an error.

    Yields
    ------
    ids : list of str, length m
    vectors : ndarray of float32, shape (m, d)
        Finite. The first good row says how wide all are; nothing is yielded if there is none.

    Raises
    ------
    DataError
        If the file cannot be read, lacks a column, or has a bad row and `rejects` is None. An
        id that occurs a second time is a bad row, and so is another width.
    """
    return _Reader(Source(path, EMBEDDINGS, rejects=rejects)).batches()


class _Reader:
    def __init__(self, source: Source) -> None:
        self._source = source
        self._seen: set[str] = set()
        self._width: int | None = None

    def batches(self) -> Iterator[Batch]:
        for chunk in self._source.chunks():
            batch = self._batch(chunk)
            if batch[0]:
                yield batch

    def _batch(self, chunk: Chunk) -> Batch:
        faults = columns.Faults(len(chunk))
        ids, lists = chunk.columns["track_id"], chunk.columns["embedding"]
        columns.ids("track_id", ids, faults)
        if not pa.types.is_large_list(lists.type):
            lists = _parsed(lists, faults)
        _finite(lists, faults)
        self._check_width(lists, faults)
        duplicates(ids, self._seen, faults)
        good = self._source.settle(chunk, faults)
        if good is not None:
            ids, lists = ids.take(pa.array(good)), lists.take(pa.array(good))
        return ids.to_pylist(), _float32(lists).reshape(len(ids), -1 if len(ids) else 0)

    def _check_width(self, lists: pa.Array, faults: columns.Faults) -> None:
        widths = _widths(lists)
        faults.mark(widths == 0, "`embedding` is empty.")
        if self._width is None and not faults.bad.all():
            self._width = int(widths[~faults.bad][0])
        if self._width is not None:
            faults.mark(
                widths != self._width,
                lambda i: f"`embedding` has {widths[i]} numbers; the first one has {self._width}.",
            )


def _widths(lists: pa.Array) -> npt.NDArray[np.int64]:
    lengths = pc.fill_null(pc.list_value_length(lists), 0)
    return np.asarray(lengths.to_numpy(zero_copy_only=False), dtype=np.int64)


def _float32(lists: pa.Array) -> npt.NDArray[np.float32]:
    values = lists.flatten().to_numpy(zero_copy_only=False)
    with np.errstate(over="ignore"):
        return np.asarray(values, dtype=np.float64).astype(np.float32)


def _finite(lists: pa.Array, faults: columns.Faults) -> None:
    """Mark the vectors that hold a value which is missing, or infinite in float32."""
    bad = ~np.isfinite(_float32(lists))
    if bad.any():
        rows = np.repeat(np.arange(len(lists)), _widths(lists))
        mask = np.zeros(len(lists), dtype=np.bool_)
        mask[rows[bad]] = True
        faults.mark(mask, "`embedding` holds a value that is not a finite number.")


def _parsed(texts: pa.Array, faults: columns.Faults) -> pa.Array:
    """Return lists that were written as JSON."""
    values = [_numbers(text) for text in texts.to_pylist()]
    faults.mark(
        np.array([value is None for value in values], dtype=np.bool_),
        lambda i: (
            "`embedding` must be a list of numbers such as [0.5, -1.25]. "
            f"Received: {texts[i].as_py()!r:.80}."
        ),
    )
    return pa.array(values, type=pa.large_list(pa.float64()))


def _numbers(text: str) -> list[float] | None:
    try:
        return number_list(json.loads(text))
    except (ValueError, RecursionError):
        return None
