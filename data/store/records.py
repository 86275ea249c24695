"""How stated listens become records, and how these are merged into the stored events."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa

from data.store.database import Database
from data.store.merge import add_bare_tracks
from data.store.schema import DERIVED_SUM, Id, events, tracks, users
from data.store.staging import ImportCounts, analyse, one_at_a_time, stage_table


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

stated_listens = (_stated, _groups, _records)
"""The temporary tables of an import: the rows of the files, their groups, and the records."""


def gather(connection: sa.Connection) -> None:
    """Gather the stated rows to records: duplicates dropped, shares of a total summed."""
    connection.execute(_grouping())
    connection.execute(_gathering())
    analyse(connection, _records)


def _grouping() -> sa.Insert:
    """Find the first row of each record, and what the counts of its rows add up to."""
    query = sa.select(sa.func.min(_stated.c.n), sa.func.sum(_stated.c.count))
    return sa.insert(_groups).from_select(["n", "total"], query.group_by(_stated.c.event_id))


def _gathering() -> sa.Insert:
    """Copy the first row of each group, a total with its sum.

    In the order of the rows, which is several times as fast as in that of the groups.
    """
    count = sa.case((_is_total(_stated), _groups.c.total), else_=_stated.c.count)
    values = [count if c is _stated.c.count else c for c in _stated.columns]
    query = sa.select(*values).join_from(_groups, _stated, _stated.c.n == _groups.c.n)
    names = [column.name for column in _records.columns]
    return sa.insert(_records).from_select(names, query.order_by(_groups.c.n))


def _is_total(table: sa.Table) -> sa.ColumnElement[bool]:
    return sa.func.substr(table.c.event_id, 1, len(DERIVED_SUM)) == DERIVED_SUM


def merge_listens(
    connection: sa.Connection, database: Database, *, add_unknown_tracks: bool
) -> ImportCounts:
    """Merge the records into the stored events, in the transaction of `connection`."""
    one_at_a_time(connection)
    same = connection.execute(_dropping_known()).rowcount
    unknown = connection.execute(_unknown_tracks()).scalars().all()
    add_bare_tracks(connection, database, unknown, allowed=add_unknown_tracks)
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
