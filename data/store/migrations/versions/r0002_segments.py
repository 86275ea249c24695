"""What is heard of a file beside its vector: the print of the recording, the chunks' vectors."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Nullable: rows from before have none until the next embedding run fills them in.
    op.add_column("embeddings", sa.Column("recording", sa.LargeBinary))
    op.add_column("embeddings", sa.Column("segments", sa.LargeBinary))
