"""External string ids <-> contiguous int32 indices."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from hashlib import blake2b
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from data.checks import id_problem
from data.errors import DataError

_BULK = 2_000  # from this many ids on, one hash join in Arrow beats one search an id


def _digest(value: str) -> int:
    # A lone surrogate is in no id, but may be looked up: it must be unknown, not an exception.
    data = value.encode("utf-8", "surrogatepass")
    return int.from_bytes(blake2b(data, digest_size=8).digest(), "little")


class Vocabulary:
    """An immutable, ordered set of ids; an id's index is its position.

    Look-ups search a sorted array of 8-byte digests instead of a dictionary, so that a
    vocabulary of millions of ids is opened in no time and shared between processes through
    the page cache (see `save` and `load`).

    Parameters
    ----------
    ids : sequence of str or pyarrow.Array
        Unique ids, each a UTF-8 string of 1 to 256 bytes.

    Raises
    ------
    DataError
        If an id is invalid or occurs twice.

    Examples
    --------
    >>> tracks = Vocabulary(["b", "a"])
    >>> tracks.index("a"), tracks.id(0), tracks.get("c")
    (1, 'b', None)
    """

    __slots__ = ("_arrow", "_digests", "_order")

    def __init__(self, ids: Sequence[str] | pa.Array) -> None:
        values = ids.to_pylist() if isinstance(ids, pa.Array) else list(ids)
        for value in values:
            problem = id_problem(value)
            if problem is not None:
                raise DataError(f"An id {problem}. Received: {value!r:.80}.")
        digests = np.fromiter(map(_digest, values), dtype=np.uint64, count=len(values))
        order = np.argsort(digests, kind="stable").astype(np.int32)
        self._arrow = pa.array(values, type=pa.large_string())
        self._order: npt.NDArray[np.int32] = order
        self._digests: npt.NDArray[np.uint64] = digests[order]
        if len(set(values)) != len(values):
            seen: set[str] = set()
            twice = next(v for v in values if v in seen or seen.add(v))  # type: ignore[func-returns-value]
            raise DataError(f"The id {twice!r:.80} occurs twice in a vocabulary.")

    @classmethod
    def build(cls, ids: Iterable[str]) -> Vocabulary:
        """Make a vocabulary of the distinct ids, in sorted order."""
        # What is not a string cannot be sorted among strings; the constructor reports it.
        return cls(sorted(set(ids), key=lambda value: value if isinstance(value, str) else ""))

    def __len__(self) -> int:
        return len(self._arrow)

    def __iter__(self) -> Iterator[str]:
        return iter(self._arrow.to_pylist())

    def __contains__(self, value: object) -> bool:
        return isinstance(value, str) and self.get(value) is not None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Vocabulary) and bool(self._arrow.equals(other._arrow))

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Vocabulary({len(self)} ids)"

    @property
    def arrow(self) -> pa.Array:
        """The ids in order, as a `large_string` array of shape (n,)."""
        return self._arrow

    def get(self, value: str) -> int | None:
        """Return the index of an id, or None if it is unknown."""
        digest = np.uint64(_digest(value))
        at = int(np.searchsorted(self._digests, digest))
        while at < len(self._digests) and self._digests[at] == digest:
            index = int(self._order[at])
            if self._arrow[index].as_py() == value:
                return index
            at += 1
        return None

    def index(self, value: str) -> int:
        """Return the index of an id; KeyError if it is unknown."""
        found = self.get(value)
        if found is None:
            raise KeyError(value)
        return found

    def indices(self, values: Sequence[str] | pa.Array) -> npt.NDArray[np.int32]:
        """Return the indices of many ids.

        Parameters
        ----------
        values : sequence of str or pyarrow.Array of shape (m,)

        Returns
        -------
        ndarray of int32, shape (m,)
            -1 where an id is unknown, or missing (None).
        """
        if len(values) < _BULK:
            return self._search(values)
        if not isinstance(values, pa.Array | pa.ChunkedArray):
            try:
                values = pa.array(values, type=pa.large_string())
            except UnicodeEncodeError:  # lone surrogates
                return self._search(values)
        positions = pc.index_in(values.cast(pa.large_string()), value_set=self._arrow)
        filled = pc.fill_null(positions, -1)
        return np.asarray(filled.to_numpy(zero_copy_only=False), dtype=np.int32)

    def _search(self, values: Sequence[str] | pa.Array) -> npt.NDArray[np.int32]:
        plain = values.to_pylist() if isinstance(values, pa.Array | pa.ChunkedArray) else values
        found = (None if value is None else self.get(value) for value in plain)
        return np.array([-1 if i is None else i for i in found], dtype=np.int32)

    def id(self, index: int) -> str:
        """Return the id at an index; IndexError if there is none, also for -1 (unknown)."""
        if index < 0:
            raise IndexError(f"No id has the index {index}.")
        return str(self._arrow[int(index)].as_py())

    def ids(self, indices: npt.ArrayLike) -> list[str]:
        """Return the ids at indices of shape (m,)."""
        taken = self._arrow.take(pa.array(np.asarray(indices, dtype=np.int64)))
        return [str(v) for v in taken.to_pylist()]

    def save(self, directory: Path, name: str) -> None:
        """Write `{name}.arrow`, `{name}.digests.npy` and `{name}.order.npy`."""
        table = pa.table({"id": self._arrow})
        path = str(directory / f"{name}.arrow")
        with pa.OSFile(path, "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
            writer.write_table(table, max_chunksize=max(1, len(table)))
        np.save(directory / f"{name}.digests.npy", self._digests)
        np.save(directory / f"{name}.order.npy", self._order)

    @classmethod
    def load(cls, directory: Path, name: str) -> Vocabulary:
        """Open a saved vocabulary memory-mapped."""
        self = cls.__new__(cls)
        table = pa.ipc.open_file(pa.memory_map(str(directory / f"{name}.arrow"))).read_all()
        column = table.column("id")
        empty = pa.array([], type=pa.large_string())
        self._arrow = column.chunk(0) if column.num_chunks else empty
        self._digests = np.load(directory / f"{name}.digests.npy", mmap_mode="r")
        self._order = np.load(directory / f"{name}.order.npy", mmap_mode="r")
        if not len(self._arrow) == len(self._digests) == len(self._order):
            raise DataError(f"The vocabulary {name!r} is inconsistent: its parts differ in length.")
        return self
