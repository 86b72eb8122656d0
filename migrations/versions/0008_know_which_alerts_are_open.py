"""Know which use case an alert is about, and which alerts are open, seen or ended."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0008"
down_revision: str | None = "0007"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

BACKFILL = """
UPDATE alerts SET use_case = CASE
    WHEN rule = 'raw_files_not_ingested' THEN NULL
    WHEN rule IN ('data_quality', 'prediction_failed') THEN nullif(payload ->> 'use_case', 'unknown')
    ELSE subject END
"""
A_WEEK_AGO = {"postgresql": "now() - interval '7 days'", "sqlite": "datetime('now', '-7 days')"}
# The one place that says what an alert's latest transition means: the page, the dashboards and the metrics read this.
# A file is an event: its alert ends when somebody has seen it, or after a week. Everything else lasts until resolved.
VIEW = """
CREATE VIEW current_alerts AS
SELECT id, rule, subject, use_case, severity, payload, created_at, sent_at, acknowledged_at,
       CASE WHEN state = 'resolved' THEN 'ended'
            WHEN rule = 'data_quality' AND (acknowledged_at IS NOT NULL OR created_at < {a_week_ago}) THEN 'ended'
            WHEN acknowledged_at IS NOT NULL THEN 'seen'
            ELSE 'open' END AS status
FROM (
    SELECT id, rule, subject, use_case, state, severity, payload, created_at, sent_at, acknowledged_at,
           row_number() OVER (PARTITION BY rule, subject ORDER BY created_at DESC, id DESC) AS place
    FROM alerts
) AS transitions
WHERE place = 1
"""


def upgrade() -> None:
    """Apply the change."""
    op.add_column("alerts", sa.Column("use_case", sa.Text(), nullable=True))
    op.add_column("alerts", sa.Column("acknowledged_at", sa.DateTime(timezone=True), nullable=True))
    op.execute(BACKFILL)
    op.execute(VIEW.format(a_week_ago=A_WEEK_AGO[op.get_context().dialect.name]))


def downgrade() -> None:
    """Take the change back."""
    op.execute("DROP VIEW current_alerts")
    op.drop_column("alerts", "acknowledged_at")
    op.drop_column("alerts", "use_case")
