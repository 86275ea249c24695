"""Rows of impressions, and of the answers that they are of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa

from data.store.database import Database, written
from data.store.events import existing
from data.store.schema import impressions, recommendation_items, recommendations, users
from data.store.shown import Impression
from data.store.text import clean
from data.store.users import NO_VERSION


def store_impressions(
    connection: sa.Connection, database: Database, batch: Sequence[Impression]
) -> int:
    """Store impressions in the transaction of `connection`; return how many are new."""
    kept = _of_those_who_are_left(connection, batch)
    fresh = {i.recommendation_id: i for i in reversed(kept) if i.recommendation is not None}
    new = fresh.keys() - existing(connection, recommendations.c.recommendation_id, fresh)
    # In one order for all, so that no two writers wait for each other.
    _insert(connection, database, recommendations, (_header(fresh[i]) for i in sorted(new)))
    items = (row for i in sorted(new) for row in _items(fresh[i]))
    _insert(connection, database, recommendation_items, items)
    served = {i.impression_id: i for i in reversed(kept)}
    rows = (_served(name, served[name]) for name in sorted(served))
    return _insert(connection, database, impressions, rows)


def _of_those_who_are_left(
    connection: sa.Connection, batch: Sequence[Impression]
) -> list[Impression]:
    """Leave out what was shown to users who were erased since."""
    known = sorted({i.user_id for i in batch if i.user_id is not None and i.version != NO_VERSION})
    left: set[str] = set()
    for start in range(0, len(known), 1_000):
        # Locked, so that an erasure waits for these rows, and then deletes them, too.
        query = sa.select(users.c.user_id).where(users.c.user_id.in_(known[start : start + 1_000]))
        query = query.order_by(users.c.user_id).with_for_update(read=True, key_share=True)
        left.update(connection.execute(query).scalars())
    return [i for i in batch if i.version == NO_VERSION or i.user_id in left]


def _insert(
    connection: sa.Connection,
    database: Database,
    table: sa.Table,
    rows: Iterable[dict[str, Any]],
) -> int:
    listed = list(rows)
    if not listed:
        return 0
    return written(connection, database.insert(table).on_conflict_do_nothing().inline(), listed)


def _header(impression: Impression) -> dict[str, Any]:
    told = impression.recommendation
    assert told is not None
    return {
        "recommendation_id": impression.recommendation_id,
        "user_id": impression.user_id,
        "created_at": impression.served_at,
        "bundle": told.bundle,
        "query": told.query,
        "experiment": told.experiment,
        "variant": told.variant,
    }


def _items(impression: Impression) -> Iterable[dict[str, Any]]:
    assert impression.recommendation is not None
    for position, item in enumerate(impression.recommendation.items, start=1):
        yield {
            "recommendation_id": impression.recommendation_id,
            "position": position,
            "track_id": item.track_id,
            "score": item.score,
            "propensity": item.propensity,
            "explored": item.explored,
            "team": item.team,
        }


def _served(name: str, impression: Impression) -> dict[str, Any]:
    return {
        "impression_id": name,
        "recommendation_id": impression.recommendation_id,
        "user_id": impression.user_id,
        "served_at": impression.served_at,
        "placement": None if impression.placement is None else clean(impression.placement),
    }
