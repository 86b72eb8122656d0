"""Try alerts again without end: until a sender's lease or a back-off is over, nobody sends one."""

from collections.abc import Sequence

from alembic import op

revision: str = "0003"
down_revision: str | None = "0002"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Apply the change."""
    op.execute("ALTER TABLE alerts RENAME COLUMN leased_until TO next_attempt_at")


def downgrade() -> None:
    """Take the change back."""
    op.execute("ALTER TABLE alerts RENAME COLUMN next_attempt_at TO leased_until")
