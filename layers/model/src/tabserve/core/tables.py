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
    Text,
    column,
    table,
    text,
)

from tabserve.core.columns import NAMES, Id, UtcTime, answer_columns, columns, file_id_column, one_of
from tabserve.core.records import BESIDE_ROLES, SOURCES

metadata = MetaData(naming_convention=NAMES)

predictions = Table(
    "predictions",
    metadata,
    *columns(Id, "id", primary_key=True),
    *columns(Text, "request_id", "use_case", "model_version", "source"),
    *columns(UtcTime, "created_at"),
    *columns(JSON, "features"),
    *answer_columns(),
    *columns(Text, "entity_id", "file_id", nullable=True),
    *columns(Integer, "row_number", nullable=True),
    *columns(Text, "role", server_default=text("'champion'")),
    one_of("source", *SOURCES),
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
# The id first: a history is asked for by it alone, too.
WITH_ENTITY = text("entity_id IS NOT NULL")
Index(
    None,
    predictions.c.entity_id,
    predictions.c.use_case,
    predictions.c.created_at,
    postgresql_where=WITH_ENTITY,
    sqlite_where=WITH_ENTITY,
)

# What a challenger said of rows that another version answered.
challenger_predictions = Table(
    "challenger_predictions",
    metadata,
    Column("prediction_id", Id, ForeignKey("predictions.id", ondelete="CASCADE"), primary_key=True),
    *columns(Text, "model_version", "role", primary_key=True),
    *columns(Text, "use_case"),
    *columns(UtcTime, "created_at"),
    *answer_columns(),
    one_of("role", *BESIDE_ROLES),
)
Index(
    None, challenger_predictions.c.use_case, challenger_predictions.c.model_version, challenger_predictions.c.created_at
)

# Calls of both versions while one is on trial, by the number of the move that began it; `bucket` is an upper bound of
# the seconds that scoring took. A failed call is one in which a version raised, or gave a row no finite answer.
scoring_counts = Table(
    "scoring_counts",
    metadata,
    *columns(Text, "use_case", primary_key=True),
    *columns(Integer, "trial", primary_key=True, autoincrement=False),
    *columns(Text, "role", "model_version", primary_key=True),
    *columns(UtcTime, "minute", primary_key=True),
    *columns(Double, "bucket", primary_key=True),
    *columns(BigInteger, "calls", "failures", "rows"),
    *columns(Double, "seconds"),
    one_of("role", "champion", "canary", "shadow"),
)
Index(None, scoring_counts.c.minute)

ingestions = Table(
    "ingestions",
    metadata,
    *columns(Text, "file_id", primary_key=True),
    *columns(Text, "bucket", "key", "etag"),
    *columns(Text, "use_case", nullable=True),
    *columns(Text, "status"),
    *columns(Integer, "rows_total", "rows_good", "rows_bad"),
    *columns(Text, "criticality"),
    *columns(Text, "contract_sha256", "report_key", "good_key", "bad_key", nullable=True),
    *columns(UtcTime, "started_at", "finished_at"),
    *columns(UtcTime, "predicted_at", nullable=True),
    *columns(Integer, "prediction_fence", server_default=text("0")),
    *columns(Text, "prediction_error", "error", "sequencer", nullable=True),
    *columns(UtcTime, "written_at", nullable=True),
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
    *columns(Text, "use_case", nullable=True),
    *columns(Text, "column_name", "rule", primary_key=True),
    *columns(Integer, "rows"),
    *columns(JSON, "sample"),
    *columns(UtcTime, "detected_at", index=True),
)

bad_rows = Table(
    "bad_rows",
    metadata,
    file_id_column(),
    *columns(Integer, "row_number", primary_key=True),
    *columns(Integer, "line_number"),
    *columns(Text, "raw"),
    *columns(JSON, "reasons"),
)

column_statistics = Table(
    "column_statistics",
    metadata,
    file_id_column(),
    *columns(Text, "column_name", primary_key=True),
    *columns(Integer, "count", "missing"),
    *columns(Double, "minimum", "mean", "maximum", nullable=True),
    *columns(JSON, "quantiles", "top"),
)

prediction_runs = Table(
    "prediction_runs",
    metadata,
    *columns(Id, "id", primary_key=True),
    *columns(UtcTime, "started_at", index=True),
    *columns(UtcTime, "finished_at"),
    *columns(Text, "status"),
    *columns(Integer, "files", "rows"),
    *columns(Text, "error", nullable=True),
    one_of("status", "completed", "skipped", "failed"),
)

ground_truth = Table(
    "ground_truth",
    metadata,
    Column("prediction_id", Id, ForeignKey("predictions.id", ondelete="CASCADE"), primary_key=True),
    *columns(Text, "use_case", "actual"),
    *columns(UtcTime, "created_at", index=True),
)

drift_metrics = Table(
    "drift_metrics",
    metadata,
    *columns(Text, "use_case", "model_version", primary_key=True),
    *columns(UtcTime, "window_start", "window_end", primary_key=True),
    *columns(Text, "feature", primary_key=True),
    *columns(Integer, "n"),
    *columns(Text, "method"),
    *columns(Double, "statistic", "p_value", "effect", nullable=True),
    *columns(Text, "state"),
    *columns(JSON, "bins"),
    one_of("state", "insufficient", "ok", "warning", "alarm", "severe"),
)
Index(None, drift_metrics.c.window_end)

performance_metrics = Table(
    "performance_metrics",
    metadata,
    *columns(Text, "use_case", "model_version", primary_key=True),
    *columns(UtcTime, "window_start", "window_end", primary_key=True),
    *columns(Text, "metric", "kind", primary_key=True),
    *columns(Double, "value", "low", "high", nullable=True),
    *columns(Integer, "n"),
    *columns(UtcTime, "computed_at"),
    *columns(Double, "alarm_limit", nullable=True),
    one_of("kind", "measured", "estimated"),
)
Index(None, performance_metrics.c.window_end)

alerts = Table(
    "alerts",
    metadata,
    *columns(Id, "id", primary_key=True),
    *columns(Text, "rule", "subject", "state", "severity"),
    *columns(Text, "use_case", nullable=True),
    *columns(JSON, "payload"),
    *columns(UtcTime, "created_at", index=True),
    *columns(UtcTime, "sent_at", "acknowledged_at", nullable=True),
    *columns(Integer, "attempts", server_default=text("0")),
    *columns(JSON, "delivered_to", server_default=text("'[]'")),
    *columns(UtcTime, "next_attempt_at", nullable=True),
    one_of("state", "firing", "resolved"),
)
Index(None, alerts.c.rule, alerts.c.subject, alerts.c.created_at)
UNSENT = text("sent_at IS NULL")
Index("ix_alerts_unsent", alerts.c.created_at, postgresql_where=UNSENT, sqlite_where=UNSENT)

# A view: the latest transition of every rule on every subject, and whether it is open, seen or ended.
current_alerts = table(
    "current_alerts",
    column("id", Id),
    *(column(name, Text) for name in ("rule", "subject", "use_case", "status")),
    column("created_at", UtcTime),
)

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    *columns(Text, "key", primary_key=True),
    *columns(Text, "use_case", "body_sha256"),
    *columns(Integer, "status"),
    *columns(JSON, "response"),
    *columns(UtcTime, "created_at", index=True),
)

prediction_totals = Table(
    "prediction_totals",
    metadata,
    *columns(Text, "use_case", "model_version", "source", "prediction", primary_key=True),
    *columns(BigInteger, "predictions"),
)
rollups = Table("rollups", metadata, *columns(Text, "name", primary_key=True), *columns(UtcTime, "until"))

request_counts = Table(
    "request_counts",
    metadata,
    *columns(Text, "route", primary_key=True),
    *columns(Integer, "status", primary_key=True),
    *columns(Double, "bucket", primary_key=True),
    *columns(BigInteger, "requests"),
    *columns(Double, "seconds"),
)
