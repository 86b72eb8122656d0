"""Know the limit of each measure of performance."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0009"
down_revision: str | None = "0008"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Apply the change."""
    op.add_column("performance_metrics", sa.Column("alarm_limit", sa.Double(), nullable=True))


def downgrade() -> None:
    """Take the change back."""
    op.drop_column("performance_metrics", "alarm_limit")
