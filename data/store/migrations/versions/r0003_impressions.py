"""What was shown to whom: recommendations, their items, and each time one was served."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

Id = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "recommendations",
        sa.Column("recommendation_id", Id, primary_key=True),
        sa.Column("user_id", Id),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("bundle", sa.Text, nullable=False),
        sa.Column("query", sa.Text, nullable=False),
        sa.Column("experiment", sa.Text),
        sa.Column("variant", sa.Text),
    )
    op.create_index("ix_recommendations_user_id", "recommendations", ["user_id"])
    op.create_index("ix_recommendations_created_at", "recommendations", ["created_at"])
    op.create_table(
        "recommendation_items",
        sa.Column("recommendation_id", Id, primary_key=True),
        sa.Column("position", sa.Integer, primary_key=True),
        sa.Column("track_id", Id, nullable=False),
        sa.Column("score", sa.Double, nullable=False),
        sa.Column("propensity", sa.Double),
        sa.Column("explored", sa.Boolean, nullable=False),
        sa.Column("team", sa.Text),
    )
    op.create_table(
        "impressions",
        sa.Column("impression_id", Id, primary_key=True),
        sa.Column("recommendation_id", Id, nullable=False),
        sa.Column("user_id", Id),
        sa.Column("served_at", sa.BigInteger, nullable=False),
        sa.Column("placement", sa.Text),
    )
    op.create_index("ix_impressions_recommendation_id", "impressions", ["recommendation_id"])
    op.create_index("ix_impressions_user_id", "impressions", ["user_id"])
    op.create_index("ix_impressions_served_at", "impressions", ["served_at"])
