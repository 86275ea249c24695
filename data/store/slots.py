"""Impressions as tables: what experiments and off-policy estimates are computed from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pandas as pd
import sqlalchemy as sa

from data.store.database import Database
from data.store.reading import frames_of
from data.store.schema import events, impressions, recommendation_items, recommendations


class SlotStore:
    """What was shown, a row a slot; and what followed."""

    _database: Database

    def load_slots(
        self, *, experiment: str | None = None, since: int | None = None, until: int | None = None
    ) -> pd.DataFrame:
        """Return what was shown to known users, one row a slot.

        Parameters
        ----------
        experiment : str, optional
            Only answers of this one.
        since, until : int, optional
            Only impressions served from, and before, these times in Unix seconds.

        Returns
        -------
        DataFrame
            `impression_id`, `recommendation_id`, `user_id`, `served_at`, `placement`, `bundle`,
            `variant`, `position` (from 1), `track_id`, `score`, `propensity` (NaN where it is not
            known), `explored`, `team`; in the order in which they were served.
        """
        query = sa.select(*_SLOT).join_from(impressions, recommendations, _SAME_ANSWER)
        query = query.join(recommendation_items, _SAME_ITEMS)
        query = query.where(impressions.c.user_id.is_not(None))
        if experiment is not None:
            query = query.where(recommendations.c.experiment == experiment)
        if since is not None:
            query = query.where(impressions.c.served_at >= since)
        if until is not None:
            query = query.where(impressions.c.served_at < until)
        query = query.order_by(
            impressions.c.served_at, impressions.c.impression_id, recommendation_items.c.position
        )
        with self._database.read() as connection:
            return _one_frame(frames_of(connection, query, list(_SLOT_TYPES.values())), _SLOT_TYPES)

    def load_queries(self, recommendation_ids: Sequence[str]) -> dict[str, str]:
        """Return what was asked for each of some answers, as JSON, by their ids."""
        found: dict[str, str] = {}
        with self._database.read() as connection:
            for start in range(0, len(recommendation_ids), 5_000):
                part = list(recommendation_ids[start : start + 5_000])
                query = sa.select(recommendations.c.recommendation_id, recommendations.c.query)
                rows = connection.execute(
                    query.where(recommendations.c.recommendation_id.in_(part))
                )
                found.update((row[0], row[1]) for row in rows)
        return found

    def load_liked(self, kinds: Sequence[str], *, since: int) -> pd.DataFrame:
        """Return what the users of impressions did from a time on.

        Parameters
        ----------
        kinds : sequence of str
            Which events count, of `data.interactions.EVENTS`.
        since : int
            Unix seconds. Events without a time are left out.

        Returns
        -------
        DataFrame
            `user_id`, `track_id`, `at` (Unix seconds), in order of arrival.
        """
        shown = sa.exists().where(impressions.c.user_id == events.c.user_id)
        query = sa.select(events.c.user_id, events.c.track_id, events.c.listened_at.label("at"))
        query = query.where(sa.or_(*(events.c.event == kind for kind in kinds)))
        query = query.where(events.c.listened_at >= since, shown)
        with self._database.read() as connection:
            frames = frames_of(connection, query.order_by(events.c.seq), list(_LIKED.values()))
            return _one_frame(frames, _LIKED)

    def impression_counts(self) -> pd.DataFrame:
        """Return how often the answers of each variant were served, to known users.

        Returns
        -------
        DataFrame
            `experiment`, `variant` (missing where there was none), `impressions`, `users`,
            `first_at`, `last_at` (Unix seconds).
        """
        of = (recommendations.c.experiment, recommendations.c.variant)
        query = (
            sa.select(
                *of,
                sa.func.count(),
                sa.func.count(impressions.c.user_id.distinct()),
                sa.func.min(impressions.c.served_at),
                sa.func.max(impressions.c.served_at),
            )
            .join_from(impressions, recommendations, _SAME_ANSWER)
            .where(impressions.c.user_id.is_not(None))
            .group_by(*of)
            .order_by(*of)
        )
        names = ["experiment", "variant", "impressions", "users", "first_at", "last_at"]
        with self._database.read() as connection:
            # As they are: a variant that is missing stays None.
            return pd.DataFrame(connection.execute(query).all(), columns=names, dtype=object)


_SAME_ANSWER = impressions.c.recommendation_id == recommendations.c.recommendation_id
_SAME_ITEMS = recommendation_items.c.recommendation_id == recommendations.c.recommendation_id
_TEXT = "string[pyarrow]"
_SLOT = (
    impressions.c.impression_id,
    impressions.c.recommendation_id,
    impressions.c.user_id,
    impressions.c.served_at,
    impressions.c.placement,
    recommendations.c.bundle,
    recommendations.c.variant,
    recommendation_items.c.position,
    recommendation_items.c.track_id,
    recommendation_items.c.score,
    recommendation_items.c.propensity,
    recommendation_items.c.explored,
    recommendation_items.c.team,
)
_SLOT_TYPES = {
    "impression_id": _TEXT,
    "recommendation_id": _TEXT,
    "user_id": _TEXT,
    "served_at": "int64",
    "placement": _TEXT,
    "bundle": _TEXT,
    "variant": _TEXT,
    "position": "int64",
    "track_id": _TEXT,
    "score": "float64",
    "propensity": "float64",
    "explored": "bool",
    "team": _TEXT,
}
_LIKED = {"user_id": _TEXT, "track_id": _TEXT, "at": "int64"}


def _one_frame(frames: Iterator[pd.DataFrame], types: dict[str, str]) -> pd.DataFrame:
    none = pd.DataFrame({name: pd.Series([], dtype=dtype) for name, dtype in types.items()})
    found = list(frames)
    return pd.concat(found, ignore_index=True) if found else none
