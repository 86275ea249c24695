"""Imports and exports of listens in bulk; see `events` for one at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from hashlib import blake2b
from itertools import chain
from typing import Any

import numpy as np
import pandas as pd
import sqlalchemy as sa

from data.interactions import EVENTS
from data.store.database import Database
from data.store.reading import frames_of
from data.store.records import gather, merge_listens, stated_listens
from data.store.rows import MAX_AT, MAX_MS, check_ids, choices_of, counts_of, ids_of, whole_of
from data.store.schema import DERIVED, DERIVED_AT, DERIVED_SUM, events
from data.store.staging import ImportCounts, pour, staging


class ListenStore:
    """Listens by the file."""

    _database: Database

    def put_listens(
        self, frames: Iterable[pd.DataFrame], *, add_unknown_tracks: bool = True
    ) -> ImportCounts:
        """Add listens: all frames or, on any error, none.

        A row with an `event_id` is an event, added once. A row with a time but no `event_id` is
        an event known by its user, track, kind and time: the same again is a duplicate. A row
        with neither is a share of a **total** of its user, track and kind: such rows are summed
        within one call, and the sum takes the place of the total of an earlier call.

        Parameters
        ----------
        frames : iterable of DataFrame
            `user_id`, `track_id`, and optionally `count` (default 1), `event` (default "listen"),
            `at` (Unix seconds, -1 where unknown), `played_ms` and `event_id`. An `event_id` that
            begins with `segue:` is an export's, and derived anew.
        add_unknown_tracks : bool
            Add tracks that the catalogue does not have, with nothing but their id.

        Returns
        -------
        ImportCounts
            In records: duplicates dropped, shares summed.

        Raises
        ------
        DataError
            If a column is missing, a value is invalid, or a track is unknown and may not be added.
            An exception of the iterator passes through.
        """
        with staging(self._database, *stated_listens) as connection:
            with connection.begin():
                pour(connection, stated_listens[0], _numbered(frames))
                gather(connection)
            return self._database.write(
                lambda transaction: merge_listens(
                    transaction, self._database, add_unknown_tracks=add_unknown_tracks
                ),
                on=connection,
            )

    def export_listens(self) -> Iterator[pd.DataFrame]:
        """Yield all events in the columns of a listens file, oldest first.

        `event_id` is missing where an import derived it: importing the file again derives the same.
        """
        own = sa.func.substr(events.c.event_id, 1, len(DERIVED)) != DERIVED
        query = sa.select(
            events.c.user_id,
            events.c.track_id,
            events.c.count,
            events.c.listened_at,
            events.c.event,
            events.c.played_ms,
            sa.case((own, events.c.event_id)).label("event_id"),
        ).order_by(events.c.seq)
        dtypes = ["object", "object", "float64", "Int64", "object", "Int64", "object"]
        with self._database.read() as connection:
            yield from frames_of(connection, query, dtypes)


def _numbered(frames: Iterable[pd.DataFrame]) -> Iterator[tuple[Any, ...]]:
    rows = chain.from_iterable(map(_rows, frames))
    return ((n, *row) for n, row in enumerate(rows))


def _rows(frame: pd.DataFrame) -> Iterator[tuple[Any, ...]]:
    """Return the rows of a table of listens in the order of `stated_listens[0]`, but for `n`."""
    user_ids, track_ids = ids_of(frame, "user_id"), ids_of(frame, "track_id")
    kinds = choices_of(frame, "event", choices=EVENTS, default=EVENTS[0])
    counts = counts_of(frame, "count").tolist()
    at = whole_of(frame, "at", lowest=-1, below=MAX_AT)
    event_ids = _event_ids(frame, zip(user_ids, track_ids, kinds, at.tolist(), strict=True))
    played = _or_none(whole_of(frame, "played_ms", lowest=0, below=MAX_MS))
    return zip(event_ids, user_ids, track_ids, kinds, counts, _or_none(at), played, strict=True)


def _or_none(values: np.ndarray[Any, np.dtype[np.int64]]) -> list[int | None]:
    return [None if v < 0 else v for v in values.tolist()]


def _event_ids(frame: pd.DataFrame, keys: Iterable[tuple[str, str, str, int]]) -> list[str]:
    """Return the given ids, and derived ones for the rest."""
    # Ids hold no NUL, so joined by it no two keys read the same.
    derived = [
        (DERIVED_SUM if at < 0 else DERIVED_AT)
        + blake2b(f"{user}\0{track}\0{kind}\0{at}".encode(), digest_size=16).hexdigest()
        for user, track, kind, at in keys
    ]
    if "event_id" not in frame:
        return derived
    column = frame["event_id"]
    given = column.astype(object).where(column.notna(), None).tolist()
    check_ids("event_id", (value for value in given if value is not None))
    return [
        own if value is None or value.startswith(DERIVED) else value
        for value, own in zip(given, derived, strict=True)
    ]
