"""Know whose answer a prediction is, keep what challengers say beside it, and count how both score."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import UUID

revision: str = "0011"
down_revision: str | None = "0010"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

ID = sa.Text().with_variant(UUID(as_uuid=False), "postgresql")


def upgrade() -> None:
    """Apply the change; no prediction is rewritten or read, which a check of the role would do."""
    op.add_column("predictions", sa.Column("role", sa.Text(), server_default=sa.text("'champion'"), nullable=False))
    op.create_table(
        "challenger_predictions",
        sa.Column("prediction_id", ID, nullable=False),
        sa.Column("model_version", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("use_case", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("prediction", sa.Text(), nullable=False),
        sa.Column("probability", sa.Double(), nullable=True),
        sa.Column("probabilities", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("value", sa.Double(), nullable=True),
        sa.Column("low", sa.Double(), nullable=True),
        sa.Column("high", sa.Double(), nullable=True),
        sa.CheckConstraint("role IN ('shadow', 'replay')", name=op.f("ck_challenger_predictions_role")),
        sa.ForeignKeyConstraint(
            ["prediction_id"],
            ["predictions.id"],
            name=op.f("fk_challenger_predictions_prediction_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("prediction_id", "model_version", "role", name=op.f("pk_challenger_predictions")),
    )
    op.create_index(
        op.f("ix_challenger_predictions_use_case_model_version_created_at"),
        "challenger_predictions",
        ["use_case", "model_version", "created_at"],
        unique=False,
    )
    op.create_table(
        "scoring_counts",
        sa.Column("use_case", sa.Text(), nullable=False),
        sa.Column("trial", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("model_version", sa.Text(), nullable=False),
        sa.Column("minute", sa.DateTime(timezone=True), nullable=False),
        sa.Column("bucket", sa.Double(), nullable=False),
        sa.Column("calls", sa.BigInteger(), nullable=False),
        sa.Column("failures", sa.BigInteger(), nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("seconds", sa.Double(), nullable=False),
        sa.CheckConstraint("role IN ('champion', 'canary', 'shadow')", name=op.f("ck_scoring_counts_role")),
        sa.PrimaryKeyConstraint(
            "use_case", "trial", "role", "model_version", "minute", "bucket", name=op.f("pk_scoring_counts")
        ),
    )
    op.create_index(op.f("ix_scoring_counts_minute"), "scoring_counts", ["minute"], unique=False)


def downgrade() -> None:
    """Take the change back; what challengers said is lost, canaries' answers stay."""
    op.drop_table("scoring_counts")
    op.drop_table("challenger_predictions")
    op.drop_column("predictions", "role")
