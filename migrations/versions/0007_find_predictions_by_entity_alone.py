"""Find predictions by the id of an entity alone."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0007"
down_revision: str | None = "0006"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

OLD = "ix_predictions_use_case_entity_id_created_at"
NEW = "ix_predictions_entity_id_use_case_created_at"


def upgrade() -> None:
    """Apply the change."""
    _replace(OLD, NEW, ["entity_id", "use_case", "created_at"])


def downgrade() -> None:
    """Take the change back."""
    _replace(NEW, OLD, ["use_case", "entity_id", "created_at"])


def _replace(old: str, new: str, columns: list[str]) -> None:
    known = sa.text("entity_id IS NOT NULL")
    op.create_index(new, "predictions", columns, unique=False, postgresql_where=known, sqlite_where=known)
    op.drop_index(old, table_name="predictions")
