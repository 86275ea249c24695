"""How stated tracks are laid over stored ones."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from itertools import count, groupby, repeat
from operator import itemgetter
from typing import Any

import pandas as pd
import sqlalchemy as sa

from data.catalog import TRACK_COLUMNS
from data.store.database import Database
from data.store.rows import ids_of, texts_of
from data.store.schema import Id, tracks
from data.store.staging import ImportCounts, one_at_a_time, pour, refuse_unknown, stage_table
from data.store.text import search_text

Fields = tuple[str | None, ...]

_MERGED_AT_ONCE = 5_000
_SEARCHED = [TRACK_COLUMNS.index(name) for name in ("title", "artist", "album")]

_stated = stage_table(
    "segue_stated_tracks",
    sa.Column("n", sa.BigInteger, nullable=False),
    sa.Column("given", sa.Integer, nullable=False),  # bit i: the file has the i-th column
    sa.Column("track_id", Id, nullable=False),
    *(sa.Column(name, sa.Text) for name in TRACK_COLUMNS),
    sa.Index("ix_segue_stated_tracks", "track_id", "n"),
)
_merged = stage_table("segue_merged_tracks", *(sa.Column(c.name, c.type) for c in tracks.columns))

stated_tracks = (_stated, _merged)
"""The temporary tables of an import: what the files state, and what it amounts to."""


def stated_rows(frames: Iterable[pd.DataFrame]) -> Iterator[tuple[Any, ...]]:
    """Yield the rows of `stated_tracks[0]` that tables of tracks amount to."""
    numbers = count()
    for frame in frames:
        given = sum(1 << i for i, name in enumerate(TRACK_COLUMNS) if name in frame)
        columns = [texts_of(frame, name) for name in TRACK_COLUMNS]
        ids = ids_of(frame, "track_id")
        # Endless `numbers` come behind `ids`: zip asks in turn and stops at the first one over.
        for track, number, *fields in zip(ids, numbers, *columns, strict=False):
            yield number, given, track, *fields


def merge_tracks(connection: sa.Connection, database: Database) -> ImportCounts:
    """Lay what was stated over what is stored, in the transaction of `connection`."""
    one_at_a_time(connection)
    new = changed = same = 0
    last = ""
    while ids := _next_ids(connection, last):
        last = ids[-1]
        stored, stated = _stored(connection, ids), _stated_of(connection, ids)
        merged = {track: _lay_over(stored.get(track), rows) for track, rows in stated}
        differing = {t: fields for t, fields in merged.items() if stored.get(t) != fields}
        _replace(connection, database, differing)
        added = len(merged) - len(stored)
        new, changed = new + added, changed + len(differing) - added
        same += len(merged) - len(differing)
    return ImportCounts(new, changed, same)


def _next_ids(connection: sa.Connection, last: str) -> Sequence[str]:
    key = _stated.c.track_id
    query = sa.select(key).distinct().where(key > last).order_by(key).limit(_MERGED_AT_ONCE)
    return connection.execute(query).scalars().all()


def _stored(connection: sa.Connection, ids: Sequence[str]) -> dict[str, Fields]:
    query = sa.select(tracks.c.track_id, *(tracks.c[name] for name in TRACK_COLUMNS))
    rows = connection.execute(query.where(tracks.c.track_id.in_(ids)))
    return {row[0]: tuple(row[1:]) for row in rows}


def _stated_of(
    connection: sa.Connection, ids: Sequence[str]
) -> Iterator[tuple[str, Iterator[Sequence[Any]]]]:
    query = sa.select(_stated).where(_stated.c.track_id >= ids[0])
    query = query.where(_stated.c.track_id <= ids[-1])
    rows = connection.execute(query.order_by(_stated.c.track_id, _stated.c.n))
    return groupby(rows, key=itemgetter(2))


def _lay_over(stored: Fields | None, rows: Iterable[Sequence[Any]]) -> Fields:
    fields = list(stored or repeat(None, len(TRACK_COLUMNS)))
    for _, given, _, *values in rows:
        for i, value in enumerate(values):
            if given >> i & 1:
                fields[i] = value
    return tuple(fields)


def _replace(connection: sa.Connection, database: Database, changed: dict[str, Fields]) -> None:
    now = int(time.time())
    rows = (
        (track, *fields, search_text(track, *(fields[i] for i in _SEARCHED)), now)
        for track, fields in changed.items()
    )
    connection.execute(sa.delete(_merged))
    pour(connection, _merged, rows)
    query = sa.select(_merged).where(sa.true())  # SQLite needs a WHERE before ON CONFLICT
    insert = database.insert(tracks).from_select([c.name for c in tracks.columns], query)
    replaced = {name: insert.excluded[name] for name in (*TRACK_COLUMNS, "search")}
    connection.execute(insert.on_conflict_do_update(index_elements=["track_id"], set_=replaced))


def add_bare_tracks(
    connection: sa.Connection, database: Database, unknown: Sequence[str], *, allowed: bool
) -> None:
    """Add tracks of which only the id is known.

    Raises
    ------
    DataError
        If there are any, and that is not `allowed`.
    """
    if not unknown:
        return
    if not allowed:
        refuse_unknown(unknown)
    now = int(time.time())
    rows = [{"track_id": t, "search": search_text(t), "created_at": now} for t in sorted(unknown)]
    connection.execute(database.insert(tracks).on_conflict_do_nothing(), rows)
