"""Imports and exports of listens in bulk; see `events` for one at a time."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator
from hashlib import blake2b
from itertools import chain
from typing import Any

import numpy as np
import pandas as pd
import sqlalchemy as sa

from data.interactions import EVENTS
from data.store.database import Database
from data.store.merge import add_bare_tracks
from data.store.reading import frames_of
from data.store.rows import MAX_AT, MAX_MS, check_ids, choices_of, counts_of, ids_of, whole_of
from data.store.schema import DERIVED, DERIVED_AT, DERIVED_SUM, Id, events, tracks, users
from data.store.staging import (
    ImportCounts,
    analyse,
    one_at_a_time,
    pour,
    stage_table,
    staging,
)


def _columns() -> Iterator[sa.Column[Any]]:
    yield sa.Column("n", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True)
    yield sa.Column("event_id", Id)
    yield sa.Column("user_id", Id)
    yield sa.Column("track_id", Id)
    yield sa.Column("event", sa.Text)
    yield sa.Column("count", sa.Double)
    yield sa.Column("listened_at", sa.BigInteger)
    yield sa.Column("played_ms", sa.BigInteger)


_stated = stage_table("segue_stated_events", *_columns())
_groups = stage_table("segue_event_groups", next(_columns()), sa.Column("total", sa.Double))
_records = stage_table("segue_event_records", *_columns())

_KEPT = ["event_id", "user_id", "track_id", "event", "count", "listened_at", "played_ms"]


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
        with staging(self._database, _stated, _groups, _records) as connection:
            with connection.begin():
                pour(connection, _stated, _numbered(frames))
                connection.execute(_grouping())
                connection.execute(_gathering())
                analyse(connection, _records)
            return self._database.write(
                lambda transaction: _merge(transaction, self._database, add_unknown_tracks),
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
    """Return the rows of a table of listens in the order of `_KEPT`."""
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


def _grouping() -> sa.Insert:
    """Find the first row of each record, and what the counts of its rows add up to."""
    query = sa.select(sa.func.min(_stated.c.n), sa.func.sum(_stated.c.count))
    return sa.insert(_groups).from_select(["n", "total"], query.group_by(_stated.c.event_id))


def _gathering() -> sa.Insert:
    """Gather the stated rows to records: duplicates dropped, shares of a total summed.

    In the order of the rows, which is several times as fast as in that of the groups.
    """
    count = sa.case((_is_total(_stated), _groups.c.total), else_=_stated.c.count)
    values = [count if c is _stated.c.count else c for c in _stated.columns]
    query = sa.select(*values).join_from(_groups, _stated, _stated.c.n == _groups.c.n)
    names = [column.name for column in _records.columns]
    return sa.insert(_records).from_select(names, query.order_by(_groups.c.n))


def _is_total(table: sa.Table) -> sa.ColumnElement[bool]:
    return sa.func.substr(table.c.event_id, 1, len(DERIVED_SUM)) == DERIVED_SUM


def _merge(connection: sa.Connection, database: Database, add_unknown: bool) -> ImportCounts:
    one_at_a_time(connection)
    same = connection.execute(_dropping_known()).rowcount
    unknown = connection.execute(_unknown_tracks()).scalars().all()
    add_bare_tracks(connection, database, unknown, allowed=add_unknown)
    _touch_users(connection, database)
    total = connection.execute(sa.select(sa.func.count()).select_from(_records)).scalar_one()
    known = sa.select(sa.func.count()).join_from(
        _records, events, events.c.event_id == _records.c.event_id
    )
    changed = connection.execute(known).scalar_one()
    connection.execute(_upserting(database))
    return ImportCounts(total - changed, changed, same, new_tracks=len(unknown))


def _dropping_known() -> sa.Delete:
    """Forget the records that are stored already: all but new ones and changed totals."""
    stored = sa.exists().where(
        events.c.event_id == _records.c.event_id,
        sa.not_(_is_total(_records)) | (events.c.count == _records.c.count),
    )
    return sa.delete(_records).where(stored)


def _unknown_tracks() -> sa.Select[str]:
    known = sa.exists().where(tracks.c.track_id == _records.c.track_id)
    query = sa.select(_records.c.track_id).distinct().where(sa.not_(known))
    return query.order_by(_records.c.track_id)


def _touch_users(connection: sa.Connection, database: Database) -> None:
    """Give every user of the records a new version, and with it take the users' row locks."""
    version = sa.literal(secrets.token_hex(16))
    query = sa.select(_records.c.user_id, version).distinct().where(sa.true())
    query = query.order_by(_records.c.user_id)  # one order for all, so that nobody deadlocks
    insert = database.insert(users).from_select(["user_id", "version"], query)
    replaced = {"version": insert.excluded.version}
    connection.execute(insert.on_conflict_do_update(index_elements=["user_id"], set_=replaced))


def _upserting(database: Database) -> sa.Insert:
    query = sa.select(*(_records.c[name] for name in _KEPT)).where(sa.true())
    insert = database.insert(events).from_select(_KEPT, query.order_by(_records.c.n))
    return insert.on_conflict_do_update(
        index_elements=["event_id"],
        set_={"count": insert.excluded.count},
        where=_is_total(events),  # an event that a concurrent writer added meanwhile stays
    )
