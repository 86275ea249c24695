"""Deleting what was shown: for a user who is erased, or because it is old."""

from __future__ import annotations

import sqlalchemy as sa

from data.store.schema import impressions, recommendation_items, recommendations


def forget_impressions(connection: sa.Connection, user_id: str) -> None:
    """Delete everything that was shown to a user, in the transaction of `connection`."""
    connection.execute(sa.delete(impressions).where(impressions.c.user_id == user_id))
    delete_recommendations(connection, recommendations.c.user_id == user_id)


def delete_recommendations(connection: sa.Connection, which: sa.ColumnElement[bool]) -> None:
    """Delete the recommendations of a condition, with their items."""
    gone = sa.select(recommendations.c.recommendation_id).where(which)
    of_gone = recommendation_items.c.recommendation_id.in_(gone)
    connection.execute(sa.delete(recommendation_items).where(of_gone))
    connection.execute(sa.delete(recommendations).where(which))
