"""Count predictions and requests."""

from collections.abc import Sequence
from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

revision: str = "0002"
down_revision: str | None = "0001"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Apply the change."""
    op.create_table(
        "prediction_totals",
        sa.Column("use_case", sa.Text(), nullable=False),
        sa.Column("model_version", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("prediction", sa.Text(), nullable=False),
        sa.Column("predictions", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("use_case", "model_version", "source", "prediction", name=op.f("pk_prediction_totals")),
    )
    rollups = op.create_table(
        "rollups",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_rollups")),
    )
    op.bulk_insert(rollups, [{"name": "predictions", "until": datetime(1970, 1, 1, tzinfo=UTC)}])
    op.create_table(
        "request_counts",
        sa.Column("route", sa.Text(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("bucket", sa.Double(), nullable=False),
        sa.Column("requests", sa.BigInteger(), nullable=False),
        sa.Column("seconds", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("route", "status", "bucket", name=op.f("pk_request_counts")),
    )


def downgrade() -> None:
    """Take the change back."""
    for table in ("request_counts", "rollups", "prediction_totals"):
        op.drop_table(table)
