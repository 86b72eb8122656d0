"""Create the tables."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import UUID

revision: str = "0001"
down_revision: str | None = None
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

ID = sa.Text().with_variant(UUID(as_uuid=False), "postgresql")


def upgrade() -> None:
    """Apply the change."""
    op.create_table(
        "alerts",
        sa.Column("id", ID, nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("severity", sa.Text(), nullable=False),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("delivered_to", sa.JSON(), server_default=sa.text("'[]'"), nullable=False),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("state IN ('firing', 'resolved')", name=op.f("ck_alerts_state")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alerts")),
    )
    op.create_index(op.f("ix_alerts_created_at"), "alerts", ["created_at"], unique=False)
    op.create_index(
        op.f("ix_alerts_rule_subject_created_at"), "alerts", ["rule", "subject", "created_at"], unique=False
    )
    op.create_index(
        "ix_alerts_unsent",
        "alerts",
        ["created_at"],
        unique=False,
        postgresql_where=sa.text("sent_at IS NULL"),
        sqlite_where=sa.text("sent_at IS NULL"),
    )
    op.create_table(
        "drift_metrics",
        sa.Column("use_case", sa.Text(), nullable=False),
        sa.Column("model_version", sa.Text(), nullable=False),
        sa.Column("window_start", sa.DateTime(timezone=True), nullable=False),
        sa.Column("window_end", sa.DateTime(timezone=True), nullable=False),
        sa.Column("feature", sa.Text(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("statistic", sa.Double(), nullable=True),
        sa.Column("p_value", sa.Double(), nullable=True),
        sa.Column("effect", sa.Double(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("bins", sa.JSON(), nullable=False),
        sa.CheckConstraint(
            "state IN ('insufficient', 'ok', 'warning', 'alarm', 'severe')", name=op.f("ck_drift_metrics_state")
        ),
        sa.PrimaryKeyConstraint(
            "use_case", "model_version", "window_start", "window_end", "feature", name=op.f("pk_drift_metrics")
        ),
    )
    op.create_index(op.f("ix_drift_metrics_window_end"), "drift_metrics", ["window_end"], unique=False)
    op.create_table(
        "idempotency_keys",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("use_case", sa.Text(), nullable=False),
        sa.Column("body_sha256", sa.Text(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("response", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_idempotency_keys")),
    )
    op.create_index(op.f("ix_idempotency_keys_created_at"), "idempotency_keys", ["created_at"], unique=False)
    op.create_table(
        "ingestions",
        sa.Column("file_id", sa.Text(), nullable=False),
        sa.Column("bucket", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("etag", sa.Text(), nullable=False),
        sa.Column("use_case", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("rows_total", sa.Integer(), nullable=False),
        sa.Column("rows_good", sa.Integer(), nullable=False),
        sa.Column("rows_bad", sa.Integer(), nullable=False),
        sa.Column("criticality", sa.Text(), nullable=False),
        sa.Column("contract_sha256", sa.Text(), nullable=True),
        sa.Column("report_key", sa.Text(), nullable=True),
        sa.Column("good_key", sa.Text(), nullable=True),
        sa.Column("bad_key", sa.Text(), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("predicted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("prediction_error", sa.Text(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.CheckConstraint("criticality IN ('none', 'low', 'medium', 'high')", name=op.f("ck_ingestions_criticality")),
        sa.CheckConstraint("status IN ('done', 'rejected', 'failed')", name=op.f("ck_ingestions_status")),
        sa.PrimaryKeyConstraint("file_id", name=op.f("pk_ingestions")),
    )
    op.create_index(op.f("ix_ingestions_finished_at"), "ingestions", ["finished_at"], unique=False)
    op.create_index(
        "ix_ingestions_to_predict",
        "ingestions",
        ["finished_at"],
        unique=False,
        postgresql_where=sa.text(
            "status = 'done' AND rows_good > 0 AND predicted_at IS NULL AND prediction_error IS NULL"
        ),
        sqlite_where=sa.text("status = 'done' AND rows_good > 0 AND predicted_at IS NULL AND prediction_error IS NULL"),
    )
    op.create_table(
        "performance_metrics",
        sa.Column("use_case", sa.Text(), nullable=False),
        sa.Column("model_version", sa.Text(), nullable=False),
        sa.Column("window_start", sa.DateTime(timezone=True), nullable=False),
        sa.Column("window_end", sa.DateTime(timezone=True), nullable=False),
        sa.Column("metric", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("value", sa.Double(), nullable=True),
        sa.Column("low", sa.Double(), nullable=True),
        sa.Column("high", sa.Double(), nullable=True),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("computed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("kind IN ('measured', 'estimated')", name=op.f("ck_performance_metrics_kind")),
        sa.PrimaryKeyConstraint(
            "use_case",
            "model_version",
            "window_start",
            "window_end",
            "metric",
            "kind",
            name=op.f("pk_performance_metrics"),
        ),
    )
    op.create_index(op.f("ix_performance_metrics_window_end"), "performance_metrics", ["window_end"], unique=False)
    op.create_table(
        "prediction_runs",
        sa.Column("id", ID, nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("files", sa.Integer(), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.CheckConstraint("status IN ('completed', 'skipped', 'failed')", name=op.f("ck_prediction_runs_status")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_prediction_runs")),
    )
    op.create_index(op.f("ix_prediction_runs_started_at"), "prediction_runs", ["started_at"], unique=False)
    op.create_table(
        "predictions",
        sa.Column("id", ID, nullable=False),
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("use_case", sa.Text(), nullable=False),
        sa.Column("model_version", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("features", sa.JSON(), nullable=False),
        sa.Column("prediction", sa.Text(), nullable=False),
        sa.Column("probability", sa.Double(), nullable=False),
        sa.Column("probabilities", sa.JSON(), nullable=False),
        sa.Column("entity_id", sa.Text(), nullable=True),
        sa.Column("file_id", sa.Text(), nullable=True),
        sa.Column("row_number", sa.Integer(), nullable=True),
        sa.CheckConstraint("source IN ('webapp', 'scheduled', 'api', 'queue')", name=op.f("ck_predictions_source")),
        sa.CheckConstraint("(file_id IS NULL) = (row_number IS NULL)", name=op.f("ck_predictions_origin")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_predictions")),
    )
    op.create_index(op.f("ix_predictions_created_at"), "predictions", ["created_at"], unique=False)
    op.create_index(
        op.f("ix_predictions_use_case_entity_id_created_at"),
        "predictions",
        ["use_case", "entity_id", "created_at"],
        unique=False,
        postgresql_where=sa.text("entity_id IS NOT NULL"),
        sqlite_where=sa.text("entity_id IS NOT NULL"),
    )
    op.create_index(
        op.f("ix_predictions_model_version_source_created_at"),
        "predictions",
        ["model_version", "source", "created_at"],
        unique=False,
    )
    op.create_index(
        op.f("ix_predictions_use_case_source_created_at"),
        "predictions",
        ["use_case", "source", "created_at"],
        unique=False,
    )
    op.create_index(
        "uq_predictions_file_id_row_number_model_version",
        "predictions",
        ["file_id", "row_number", "model_version"],
        unique=True,
        postgresql_where=sa.text("file_id IS NOT NULL"),
        sqlite_where=sa.text("file_id IS NOT NULL"),
    )
    op.create_table(
        "bad_rows",
        sa.Column("file_id", sa.Text(), nullable=False),
        sa.Column("row_number", sa.Integer(), nullable=False),
        sa.Column("line_number", sa.Integer(), nullable=False),
        sa.Column("raw", sa.Text(), nullable=False),
        sa.Column("reasons", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["file_id"], ["ingestions.file_id"], name=op.f("fk_bad_rows_file_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("file_id", "row_number", name=op.f("pk_bad_rows")),
    )
    op.create_table(
        "column_statistics",
        sa.Column("file_id", sa.Text(), nullable=False),
        sa.Column("column_name", sa.Text(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("missing", sa.Integer(), nullable=False),
        sa.Column("minimum", sa.Double(), nullable=True),
        sa.Column("mean", sa.Double(), nullable=True),
        sa.Column("maximum", sa.Double(), nullable=True),
        sa.Column("quantiles", sa.JSON(), nullable=False),
        sa.Column("top", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["file_id"], ["ingestions.file_id"], name=op.f("fk_column_statistics_file_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("file_id", "column_name", name=op.f("pk_column_statistics")),
    )
    op.create_table(
        "data_quality_issues",
        sa.Column("file_id", sa.Text(), nullable=False),
        sa.Column("use_case", sa.Text(), nullable=True),
        sa.Column("column_name", sa.Text(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("sample", sa.JSON(), nullable=False),
        sa.Column("detected_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["file_id"], ["ingestions.file_id"], name=op.f("fk_data_quality_issues_file_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("file_id", "column_name", "rule", name=op.f("pk_data_quality_issues")),
    )
    op.create_index(op.f("ix_data_quality_issues_detected_at"), "data_quality_issues", ["detected_at"], unique=False)
    op.create_table(
        "ground_truth",
        sa.Column("prediction_id", ID, nullable=False),
        sa.Column("use_case", sa.Text(), nullable=False),
        sa.Column("actual", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["prediction_id"], ["predictions.id"], name=op.f("fk_ground_truth_prediction_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("prediction_id", name=op.f("pk_ground_truth")),
    )
    op.create_index(op.f("ix_ground_truth_created_at"), "ground_truth", ["created_at"], unique=False)


def downgrade() -> None:
    """Take the change back."""
    op.drop_index(op.f("ix_ground_truth_created_at"), table_name="ground_truth")
    op.drop_table("ground_truth")
    op.drop_index(op.f("ix_data_quality_issues_detected_at"), table_name="data_quality_issues")
    op.drop_table("data_quality_issues")
    op.drop_table("column_statistics")
    op.drop_table("bad_rows")
    op.drop_index(
        "uq_predictions_file_id_row_number_model_version",
        table_name="predictions",
        postgresql_where=sa.text("file_id IS NOT NULL"),
        sqlite_where=sa.text("file_id IS NOT NULL"),
    )
    op.drop_index(op.f("ix_predictions_model_version_source_created_at"), table_name="predictions")
    op.drop_index(op.f("ix_predictions_use_case_source_created_at"), table_name="predictions")
    op.drop_index(
        op.f("ix_predictions_use_case_entity_id_created_at"),
        table_name="predictions",
        postgresql_where=sa.text("entity_id IS NOT NULL"),
        sqlite_where=sa.text("entity_id IS NOT NULL"),
    )
    op.drop_index(op.f("ix_predictions_created_at"), table_name="predictions")
    op.drop_table("predictions")
    op.drop_index(op.f("ix_prediction_runs_started_at"), table_name="prediction_runs")
    op.drop_table("prediction_runs")
    op.drop_index(op.f("ix_performance_metrics_window_end"), table_name="performance_metrics")
    op.drop_table("performance_metrics")
    op.drop_index(
        "ix_ingestions_to_predict",
        table_name="ingestions",
        postgresql_where=sa.text(
            "status = 'done' AND rows_good > 0 AND predicted_at IS NULL AND prediction_error IS NULL"
        ),
        sqlite_where=sa.text("status = 'done' AND rows_good > 0 AND predicted_at IS NULL AND prediction_error IS NULL"),
    )
    op.drop_index(op.f("ix_ingestions_finished_at"), table_name="ingestions")
    op.drop_table("ingestions")
    op.drop_index(op.f("ix_idempotency_keys_created_at"), table_name="idempotency_keys")
    op.drop_table("idempotency_keys")
    op.drop_index(op.f("ix_drift_metrics_window_end"), table_name="drift_metrics")
    op.drop_table("drift_metrics")
    op.drop_index(
        "ix_alerts_unsent",
        table_name="alerts",
        postgresql_where=sa.text("sent_at IS NULL"),
        sqlite_where=sa.text("sent_at IS NULL"),
    )
    op.drop_index(op.f("ix_alerts_rule_subject_created_at"), table_name="alerts")
    op.drop_index(op.f("ix_alerts_created_at"), table_name="alerts")
    op.drop_table("alerts")
