"""Keep one scheduled prediction for each row of a file, and the newest claim on the file."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0005"
down_revision: str | None = "0004"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

OLD = "uq_predictions_file_id_row_number_model_version"
NEW = "uq_predictions_file_id_row_number"
# A row that was asked for again after a promotion has predictions of two versions: the earliest is kept.
DOUBLED = """
CREATE TEMPORARY TABLE doubled AS SELECT id, kept FROM (
    SELECT id, first_value(id) OVER (PARTITION BY file_id, row_number ORDER BY created_at, id) AS kept
    FROM predictions WHERE source = 'scheduled' AND file_id IS NOT NULL
) AS rows_of_files WHERE id <> kept
"""
# The latest outcome counts, as everywhere.
OUTCOMES = """
INSERT INTO ground_truth (prediction_id, use_case, actual, created_at)
SELECT kept, use_case, actual, created_at FROM (
    SELECT doubled.kept, ground_truth.*,
           row_number() OVER (PARTITION BY doubled.kept ORDER BY ground_truth.created_at DESC) AS place
    FROM doubled JOIN ground_truth ON ground_truth.prediction_id = doubled.id
) AS outcomes WHERE place = 1
ON CONFLICT (prediction_id) DO UPDATE SET actual = excluded.actual, created_at = excluded.created_at
WHERE excluded.created_at > ground_truth.created_at
"""
COUNTED = """
UPDATE prediction_totals SET predictions = prediction_totals.predictions - (
    SELECT count(*) FROM predictions AS p JOIN doubled ON doubled.id = p.id
    WHERE p.use_case = prediction_totals.use_case AND p.model_version = prediction_totals.model_version
      AND p.source = prediction_totals.source AND p.prediction = prediction_totals.prediction
      AND p.created_at < (SELECT until FROM rollups WHERE name = 'predictions')
)
"""
CLEARED = (
    DOUBLED,
    OUTCOMES,
    "DELETE FROM ground_truth WHERE prediction_id IN (SELECT id FROM doubled)",
    COUNTED,
    "DELETE FROM prediction_totals WHERE predictions = 0",
    "DELETE FROM predictions WHERE id IN (SELECT id FROM doubled)",
    "DROP TABLE doubled",
)


def upgrade() -> None:
    """Apply the change."""
    op.add_column(
        "ingestions", sa.Column("prediction_fence", sa.Integer(), server_default=sa.text("0"), nullable=False)
    )
    for statement in CLEARED:
        op.execute(statement)
    scheduled = sa.text("source = 'scheduled'")
    op.create_index(
        NEW, "predictions", ["file_id", "row_number"], unique=True, postgresql_where=scheduled, sqlite_where=scheduled
    )
    op.drop_index(OLD, table_name="predictions")


def downgrade() -> None:
    """Take the change back; what was doubled stays away."""
    of_file = sa.text("file_id IS NOT NULL")
    columns = ["file_id", "row_number", "model_version"]
    op.create_index(OLD, "predictions", columns, unique=True, postgresql_where=of_file, sqlite_where=of_file)
    op.drop_index(NEW, table_name="predictions")
    op.drop_column("ingestions", "prediction_fence")
