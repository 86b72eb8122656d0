"""Keep predicted numbers with their intervals; they have no probabilities."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0010"
down_revision: str | None = "0009"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

NUMBERS = ("value", "low", "high")
OF_CLASSES: dict[str, type[sa.types.TypeEngine[object]]] = {"probability": sa.Double, "probabilities": sa.JSON}


def upgrade() -> None:
    """Apply the change."""
    for name in NUMBERS:
        op.add_column("predictions", sa.Column(name, sa.Double(), nullable=True))
    for name in OF_CLASSES:
        _allow_none(name)


def downgrade() -> None:
    """Take the change back; predicted numbers are lost."""
    op.execute("DELETE FROM predictions WHERE probability IS NULL")
    for name in OF_CLASSES:
        _refuse_none(name)
    for name in NUMBERS:
        op.drop_column("predictions", name)


def _allow_none(name: str) -> None:
    if op.get_context().dialect.name == "sqlite":
        _replace(name, sa.Column(f"new_{name}", OF_CLASSES[name](), nullable=True))
    else:
        op.alter_column("predictions", name, nullable=True)


def _refuse_none(name: str) -> None:
    if op.get_context().dialect.name == "sqlite":
        _replace(name, sa.Column(f"new_{name}", OF_CLASSES[name](), nullable=False, server_default=sa.text("0")))
    else:
        op.alter_column("predictions", name, nullable=False)


def _replace(name: str, column: "sa.Column[object]") -> None:
    """Do in SQLite, which alters no column and must not drop the table that outcomes refer to."""
    op.add_column("predictions", column)
    op.execute(f"UPDATE predictions SET new_{name} = {name}")  # noqa: S608  one of two names
    op.drop_column("predictions", name)
    op.execute(f"ALTER TABLE predictions RENAME COLUMN new_{name} TO {name}")
