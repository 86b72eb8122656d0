"""Remember how far the sweep has looked."""

from collections.abc import Sequence
from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

revision: str = "0006"
down_revision: str | None = "0005"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

ROLLUPS = sa.table("rollups", sa.column("name", sa.Text()), sa.column("until", sa.DateTime(timezone=True)))


def upgrade() -> None:
    """Apply the change."""
    op.bulk_insert(ROLLUPS, [{"name": "sweep", "until": datetime(1970, 1, 1, tzinfo=UTC)}])


def downgrade() -> None:
    """Take the change back."""
    op.execute(ROLLUPS.delete().where(ROLLUPS.c.name == "sweep"))
