"""What selectors look at: the columns of one catalogue, as codes and days."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from data.catalog import Catalog, fold
from ranker.candidates import BoolArray, IntArray
from ranker.rules.where import Conditions, Where

_KEPT = 64  # masks of selectors that came with requests
_EPOCH = date(1970, 1, 1)


class TrackTable:
    """The tracks of a bundle as selectors see them.

    Parameters
    ----------
    catalog : Catalog
    heard : ndarray of bool, shape (n_tracks,)
        Which tracks anybody had played in the training.

    Notes
    -----
    Columns are turned into codes at their first use and kept, and so are the masks of the last
    selectors: a selector costs a look-up of its mask, and never a loop over tracks.
    """

    def __init__(self, catalog: Catalog, heard: BoolArray) -> None:
        self.catalog = catalog
        self._heard = heard
        self._columns = {n: _Column(catalog, n) for n in ("artist", "album", "license")}
        self._kept = lru_cache(maxsize=_KEPT)(self._mask)

    def mask(self, where: Where) -> BoolArray:
        """Return which tracks a selector matches, its `listed` aside: read-only, (n_tracks,)."""
        return self._kept(where)

    def _mask(self, where: Where) -> BoolArray:
        mask = np.ones(len(self.catalog), bool)
        for met in self._met(where):
            mask &= met
        if where.not_ is not None:
            for met in self._met(where.not_):
                mask &= ~met
        mask.flags.writeable = False
        return mask

    def _met(self, conditions: Conditions) -> Iterator[BoolArray]:
        """Yield which tracks meet each condition; what is unknown of a track meets none."""
        given = conditions.given
        if "genre" in given:
            yield self._of(*(self._genre(name) for name in given["genre"]))
        if "track" in given:
            yield self._of(self.indices(given["track"]))
        for name, column in self._columns.items():
            if name in given:
                yield column.any_of(given[name])
        if "released_after" in given or "released_before" in given:
            yield self._released(given.get("released_after"), given.get("released_before"))
        if "heard" in given:
            yield self._heard == given["heard"]

    def indices(self, track_ids: tuple[str, ...]) -> IntArray:
        """Return the indices of those ids that the catalogue has, in their order."""
        found = self.catalog.tracks.indices(list(track_ids))
        return np.asarray(found[found >= 0], np.int32)

    def _genre(self, name: str) -> IntArray:
        return self.catalog.genres.get(fold(name), np.empty(0, np.int32))

    def _of(self, *members: IntArray) -> BoolArray:
        mask = np.zeros(len(self.catalog), bool)
        for tracks in members:
            mask[tracks] = True
        return mask

    def _released(self, after: date | None, before: date | None) -> BoolArray:
        days = self.catalog.released
        mask = np.isfinite(days)
        if after is not None:
            mask &= days >= (after - _EPOCH).days
        if before is not None:
            mask &= days < (before - _EPOCH).days
        return mask


class _Column:
    """One column of text, as codes of its folded values."""

    def __init__(self, catalog: Catalog, name: str) -> None:
        self._catalog = catalog
        self._name = name

    @cached_property
    def _encoded(self) -> tuple[IntArray, dict[str, list[int]], int]:
        column = self._catalog.column(self._name).dictionary_encode()
        values = column.dictionary.to_pylist()
        spellings: dict[str, list[int]] = {}
        for code, value in enumerate(values):
            spellings.setdefault(fold(value), []).append(code)
        return _codes(column), spellings, len(values)

    def any_of(self, names: tuple[str, ...]) -> BoolArray:
        codes, spellings, size = self._encoded
        wanted = np.zeros(size + 1, bool)  # the last one stands for what is unknown
        for name in names:
            wanted[spellings.get(fold(name), [])] = True
        return wanted[codes]


def _codes(column: Any) -> npt.NDArray[np.int32]:
    codes = column.indices.fill_null(-1)
    return np.asarray(codes.to_numpy(zero_copy_only=False), np.int32)
