"""What was shown to whom, with which probability: the log that experiments are read from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from data.checks import id_problem
from data.store.database import Database
from data.store.erasure import delete_recommendations
from data.store.impression_rows import store_impressions
from data.store.schema import impressions, recommendation_items, recommendations
from data.store.shown import Impression


class ImpressionStore:
    """What was shown to whom."""

    _database: Database

    def add_impressions(self, batch: Sequence[Impression]) -> int:
        """Store impressions, all in one transaction; those held already are passed over.

        Returns
        -------
        int
            How many are new.
        """
        if not batch:
            return 0
        return self._database.write(
            lambda connection: store_impressions(connection, self._database, batch)
        )

    def prune_impressions(self, before: int) -> int:
        """Delete impressions served before a time in Unix seconds; return how many."""

        def prune(connection: sa.Connection) -> int:
            old = sa.delete(impressions).where(impressions.c.served_at < before)
            deleted = connection.execute(old).rowcount
            served = sa.exists().where(
                impressions.c.recommendation_id == recommendations.c.recommendation_id
            )
            done = (recommendations.c.created_at < before) & ~served
            delete_recommendations(connection, done)
            return deleted

        return self._database.write(prune)

    def impressions_of(self, user_id: str) -> list[dict[str, Any]]:
        """Return everything that was shown to a user, oldest first, as an export gives it.

        Returns
        -------
        list of dict
            `served_at` (Unix seconds), `placement`, `bundle`, `experiment`, `variant`,
            `recommendation_id`, `items` (`track_id`, `position`, `score`, `propensity`,
            `explored`, `team`).
        """
        if id_problem(user_id) is not None:
            return []
        with self._database.read() as connection:
            served = connection.execute(_SERVED_TO, {"user_id": user_id}).mappings().all()
            items: dict[str, list[dict[str, Any]]] = {}
            for row in connection.execute(_ITEMS_OF, {"user_id": user_id}).mappings():
                fields = dict(row)
                items.setdefault(fields.pop("recommendation_id"), []).append(fields)
        return [{**row, "items": items.get(row["recommendation_id"], [])} for row in served]


_SAME_ANSWER = impressions.c.recommendation_id == recommendations.c.recommendation_id
_SAME_ITEMS = recommendation_items.c.recommendation_id == recommendations.c.recommendation_id
_SERVED_TO = (
    sa.select(
        impressions.c.recommendation_id,
        impressions.c.served_at,
        impressions.c.placement,
        recommendations.c.bundle,
        recommendations.c.experiment,
        recommendations.c.variant,
    )
    .join_from(impressions, recommendations, _SAME_ANSWER, isouter=True)
    .where(impressions.c.user_id == sa.bindparam("user_id"))
    .order_by(impressions.c.served_at, impressions.c.impression_id)
)
_ITEMS_OF = (
    sa.select(recommendation_items)
    .join_from(recommendation_items, recommendations, _SAME_ITEMS)
    .where(recommendations.c.user_id == sa.bindparam("user_id"))
    .order_by(recommendation_items.c.recommendation_id, recommendation_items.c.position)
)
