"""Tracks, events, users, embeddings."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# A revision never imports the schema of today: it must go on doing what it did when released.
Id = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
Serial = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "tracks",
        sa.Column("track_id", Id, primary_key=True),
        sa.Column("title", sa.Text),
        sa.Column("artist", sa.Text),
        sa.Column("album", sa.Text),
        sa.Column("genre", sa.Text),
        sa.Column("released_at", sa.Text),
        sa.Column("license", sa.Text),
        sa.Column("audio_path", sa.Text),
        sa.Column("search", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "events",
        sa.Column("seq", Serial, primary_key=True, autoincrement=True),
        sa.Column("event_id", Id, nullable=False, unique=True),
        sa.Column("user_id", Id, nullable=False),
        sa.Column("track_id", Id, sa.ForeignKey("tracks.track_id"), nullable=False),
        sa.Column("event", sa.Text, nullable=False),
        sa.Column("count", sa.Double, nullable=False),
        sa.Column("listened_at", sa.BigInteger),
        sa.Column("played_ms", sa.BigInteger),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_events_user_id_seq", "events", ["user_id", "seq"])
    op.create_index("ix_events_track_id", "events", ["track_id"])
    op.create_table(
        "users",
        sa.Column("user_id", Id, primary_key=True),
        sa.Column("version", sa.Text, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "embeddings",
        sa.Column("space", Id, primary_key=True),
        sa.Column("track_id", Id, sa.ForeignKey("tracks.track_id"), primary_key=True),
        sa.Column("dim", sa.Integer, nullable=False),
        sa.Column("vector", sa.LargeBinary, nullable=False),
        sa.Column("fingerprint", sa.Text),
    )
