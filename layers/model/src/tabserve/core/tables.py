"""The tables, for PostgreSQL and SQLite; `migrations/` brings a database to this state."""

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    text,
)

from tabserve.core.columns import NAMES, Id, file_id_column, one_of, text_column, time_column

metadata = MetaData(naming_convention=NAMES)

predictions = Table(
    "predictions",
    metadata,
    Column("id", Id, primary_key=True),
    text_column("request_id"),
    text_column("use_case"),
    text_column("model_version"),
    text_column("source"),
    time_column("created_at"),
    Column("features", JSON, nullable=False),
    text_column("prediction"),
    Column("probability", Double, nullable=False),
    Column("probabilities", JSON, nullable=False),
    text_column("entity_id", nullable=True),
    text_column("file_id", nullable=True),
    Column("row_number", Integer),
    one_of("source", "webapp", "scheduled", "api", "queue"),
    CheckConstraint("(file_id IS NULL) = (row_number IS NULL)", name="origin"),
)
SCHEDULED = text("source = 'scheduled'")
Index(
    "uq_predictions_file_id_row_number",
    predictions.c.file_id,
    predictions.c.row_number,
    unique=True,
    postgresql_where=SCHEDULED,
    sqlite_where=SCHEDULED,
)
# A batch shares its time: without the id in the key its entries are stored as one, and sorting one batch is cheap.
Index(None, predictions.c.use_case, predictions.c.source, predictions.c.created_at)
Index(None, predictions.c.model_version, predictions.c.source, predictions.c.created_at)
Index(None, predictions.c.created_at)
WITH_ENTITY = text("entity_id IS NOT NULL")
Index(
    None,
    predictions.c.use_case,
    predictions.c.entity_id,
    predictions.c.created_at,
    postgresql_where=WITH_ENTITY,
    sqlite_where=WITH_ENTITY,
)

ingestions = Table(
    "ingestions",
    metadata,
    text_column("file_id", primary_key=True),
    text_column("bucket"),
    text_column("key"),
    text_column("etag"),
    text_column("use_case", nullable=True),
    text_column("status"),
    Column("rows_total", Integer, nullable=False),
    Column("rows_good", Integer, nullable=False),
    Column("rows_bad", Integer, nullable=False),
    text_column("criticality"),
    text_column("contract_sha256", nullable=True),
    text_column("report_key", nullable=True),
    text_column("good_key", nullable=True),
    text_column("bad_key", nullable=True),
    time_column("started_at"),
    time_column("finished_at"),
    time_column("predicted_at", nullable=True),
    Column("prediction_fence", Integer, nullable=False, server_default=text("0")),
    text_column("prediction_error", nullable=True),
    text_column("error", nullable=True),
    text_column("sequencer", nullable=True),
    time_column("written_at", nullable=True),
    one_of("status", "done", "rejected", "failed"),
    one_of("criticality", "none", "low", "medium", "high"),
)
TO_PREDICT = text("status = 'done' AND rows_good > 0 AND predicted_at IS NULL AND prediction_error IS NULL")
Index("ix_ingestions_to_predict", ingestions.c.finished_at, postgresql_where=TO_PREDICT, sqlite_where=TO_PREDICT)
Index(None, ingestions.c.finished_at)
Index(None, ingestions.c.key)

data_quality_issues = Table(
    "data_quality_issues",
    metadata,
    file_id_column(),
    text_column("use_case", nullable=True),
    text_column("column_name", primary_key=True),
    text_column("rule", primary_key=True),
    Column("rows", Integer, nullable=False),
    Column("sample", JSON, nullable=False),
    time_column("detected_at", index=True),
)

bad_rows = Table(
    "bad_rows",
    metadata,
    file_id_column(),
    Column("row_number", Integer, primary_key=True),
    Column("line_number", Integer, nullable=False),
    text_column("raw"),
    Column("reasons", JSON, nullable=False),
)

column_statistics = Table(
    "column_statistics",
    metadata,
    file_id_column(),
    text_column("column_name", primary_key=True),
    Column("count", Integer, nullable=False),
    Column("missing", Integer, nullable=False),
    Column("minimum", Double),
    Column("mean", Double),
    Column("maximum", Double),
    Column("quantiles", JSON, nullable=False),
    Column("top", JSON, nullable=False),
)

prediction_runs = Table(
    "prediction_runs",
    metadata,
    Column("id", Id, primary_key=True),
    time_column("started_at", index=True),
    time_column("finished_at"),
    text_column("status"),
    Column("files", Integer, nullable=False),
    Column("rows", Integer, nullable=False),
    text_column("error", nullable=True),
    one_of("status", "completed", "skipped", "failed"),
)

ground_truth = Table(
    "ground_truth",
    metadata,
    Column("prediction_id", Id, ForeignKey("predictions.id", ondelete="CASCADE"), primary_key=True),
    text_column("use_case"),
    text_column("actual"),
    time_column("created_at", index=True),
)

drift_metrics = Table(
    "drift_metrics",
    metadata,
    text_column("use_case", primary_key=True),
    text_column("model_version", primary_key=True),
    time_column("window_start", primary_key=True),
    time_column("window_end", primary_key=True),
    text_column("feature", primary_key=True),
    Column("n", Integer, nullable=False),
    text_column("method"),
    Column("statistic", Double),
    Column("p_value", Double),
    Column("effect", Double),
    text_column("state"),
    Column("bins", JSON, nullable=False),
    one_of("state", "insufficient", "ok", "warning", "alarm", "severe"),
)
Index(None, drift_metrics.c.window_end)

performance_metrics = Table(
    "performance_metrics",
    metadata,
    text_column("use_case", primary_key=True),
    text_column("model_version", primary_key=True),
    time_column("window_start", primary_key=True),
    time_column("window_end", primary_key=True),
    text_column("metric", primary_key=True),
    text_column("kind", primary_key=True),
    Column("value", Double),
    Column("low", Double),
    Column("high", Double),
    Column("n", Integer, nullable=False),
    time_column("computed_at"),
    one_of("kind", "measured", "estimated"),
)
Index(None, performance_metrics.c.window_end)

alerts = Table(
    "alerts",
    metadata,
    Column("id", Id, primary_key=True),
    text_column("rule"),
    text_column("subject"),
    text_column("state"),
    text_column("severity"),
    Column("payload", JSON, nullable=False),
    time_column("created_at", index=True),
    time_column("sent_at", nullable=True),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("delivered_to", JSON, nullable=False, server_default=text("'[]'")),
    time_column("next_attempt_at", nullable=True),
    one_of("state", "firing", "resolved"),
)
Index(None, alerts.c.rule, alerts.c.subject, alerts.c.created_at)
UNSENT = text("sent_at IS NULL")
Index("ix_alerts_unsent", alerts.c.created_at, postgresql_where=UNSENT, sqlite_where=UNSENT)

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    text_column("key", primary_key=True),
    text_column("use_case"),
    text_column("body_sha256"),
    Column("status", Integer, nullable=False),
    Column("response", JSON, nullable=False),
    time_column("created_at", index=True),
)

prediction_totals = Table(
    "prediction_totals",
    metadata,
    text_column("use_case", primary_key=True),
    text_column("model_version", primary_key=True),
    text_column("source", primary_key=True),
    text_column("prediction", primary_key=True),
    Column("predictions", BigInteger, nullable=False),
)
rollups = Table("rollups", metadata, text_column("name", primary_key=True), time_column("until"))

request_counts = Table(
    "request_counts",
    metadata,
    text_column("route", primary_key=True),
    Column("status", Integer, primary_key=True),
    Column("bucket", Double, primary_key=True),
    Column("requests", BigInteger, nullable=False),
    Column("seconds", Double, nullable=False),
)
