"""The tables, as the newest migration leaves them.

::

    tracks      one row a track; `search` is what a listing's text query is matched against
    events      one row an event, or a total of plays whose times are unknown
    users       one row a user with events; `version` changes with every change to them
    embeddings  one row a track in each named space

    recommendations       one row an answer that was computed and is to be remembered
    recommendation_items  one row a track of it
    impressions           one row each time it was served

Ids are compared byte by byte on every database, so that paging, sorting and Python agree.
`migrations/` creates these tables; a test holds the two together.
"""

from __future__ import annotations

import sqlalchemy as sa

from data.catalog import TRACK_COLUMNS

DERIVED = "segue:"
"""Begins the ids of events that an import derives; no sender may use it."""

DERIVED_AT = DERIVED + "at:"
"""Begins the id that an import gives to a timed event without one."""

DERIVED_SUM = DERIVED + "sum:"
"""Begins the id of a total: all plays of one kind, of one track, by one user, at unknown times."""

metadata = sa.MetaData()

Id = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
Serial = sa.BigInteger().with_variant(sa.Integer(), "sqlite")  # only INTEGER counts up there

tracks = sa.Table(
    "tracks",
    metadata,
    sa.Column("track_id", Id, primary_key=True),
    *(sa.Column(name, sa.Text) for name in TRACK_COLUMNS),
    sa.Column("search", sa.Text, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
)

events = sa.Table(
    "events",
    metadata,
    sa.Column("seq", Serial, primary_key=True, autoincrement=True),
    sa.Column("event_id", Id, nullable=False, unique=True),
    sa.Column("user_id", Id, nullable=False),
    sa.Column("track_id", Id, sa.ForeignKey("tracks.track_id"), nullable=False),
    sa.Column("event", sa.Text, nullable=False),
    sa.Column("count", sa.Double, nullable=False),
    sa.Column("listened_at", sa.BigInteger),
    sa.Column("played_ms", sa.BigInteger),
    sa.Index("ix_events_user_id_seq", "user_id", "seq"),
    sa.Index("ix_events_track_id", "track_id"),
    sqlite_autoincrement=True,
)

users = sa.Table(
    "users",
    metadata,
    sa.Column("user_id", Id, primary_key=True),
    sa.Column("version", sa.Text, nullable=False),
    sqlite_with_rowid=False,
)

embeddings = sa.Table(
    "embeddings",
    metadata,
    sa.Column("space", Id, primary_key=True),
    sa.Column("track_id", Id, sa.ForeignKey("tracks.track_id"), primary_key=True),
    sa.Column("dim", sa.Integer, nullable=False),
    sa.Column("vector", sa.LargeBinary, nullable=False),  # float32, little endian
    sa.Column("fingerprint", sa.Text),
    # Behind the vector and the short ones, so that reading those never passes the long ones.
    sa.Column("recording", sa.LargeBinary),  # uint32, little endian
    sa.Column("segments", sa.LargeBinary),  # float16, little endian: chunks x dim
)

recommendations = sa.Table(
    "recommendations",
    metadata,
    sa.Column("recommendation_id", Id, primary_key=True),
    sa.Column("user_id", Id),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("bundle", sa.Text, nullable=False),
    sa.Column("query", sa.Text, nullable=False),
    sa.Column("experiment", sa.Text),
    sa.Column("variant", sa.Text),
    sa.Index("ix_recommendations_user_id", "user_id"),
    sa.Index("ix_recommendations_created_at", "created_at"),
)

recommendation_items = sa.Table(
    "recommendation_items",
    metadata,
    sa.Column("recommendation_id", Id, primary_key=True),
    sa.Column("position", sa.Integer, primary_key=True),  # from 1
    sa.Column("track_id", Id, nullable=False),
    sa.Column("score", sa.Double, nullable=False),
    sa.Column("propensity", sa.Double),
    sa.Column("explored", sa.Boolean, nullable=False),
    sa.Column("team", sa.Text),
)

impressions = sa.Table(
    "impressions",
    metadata,
    sa.Column("impression_id", Id, primary_key=True),
    # No foreign keys: a log may outlive a track, and its rows are written in bulk.
    sa.Column("recommendation_id", Id, nullable=False),
    sa.Column("user_id", Id),
    sa.Column("served_at", sa.BigInteger, nullable=False),
    sa.Column("placement", sa.Text),
    sa.Index("ix_impressions_recommendation_id", "recommendation_id"),
    sa.Index("ix_impressions_user_id", "user_id"),
    sa.Index("ix_impressions_served_at", "served_at"),
)
