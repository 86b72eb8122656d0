"""Know which version of a raw file is newer."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0004"
down_revision: str | None = "0003"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Apply the change."""
    op.add_column("ingestions", sa.Column("sequencer", sa.Text(), nullable=True))
    op.add_column("ingestions", sa.Column("written_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index(op.f("ix_ingestions_key"), "ingestions", ["key"])


def downgrade() -> None:
    """Take the change back."""
    op.drop_index(op.f("ix_ingestions_key"), "ingestions")
    op.drop_column("ingestions", "written_at")
    op.drop_column("ingestions", "sequencer")
