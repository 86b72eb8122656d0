"""The tables, for PostgreSQL and SQLite; `migrations/` brings a database to this state."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    Double,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    TypeDecorator,
    text,
)
from sqlalchemy.dialects.postgresql import UUID
from sqlalchemy.engine import Dialect

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}
metadata = MetaData(naming_convention=NAMES)

Id = Text().with_variant(UUID(as_uuid=False), "postgresql")


class UtcTime(TypeDecorator[datetime]):
    """A time with zone; SQLite keeps none, so there it is stored and read as UTC."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Refuse a time without zone; return it in UTC."""
        if value is not None and value.tzinfo is None:
            raise ValueError("a time without zone cannot be stored")
        return value and value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Return a time with zone."""
        if value is None or value.tzinfo is not None:
            return value
        return value.replace(tzinfo=UTC)


def _time(name: str, **options: Any) -> Column[datetime]:  # noqa: ANN401
    return Column(name, UtcTime, **{"nullable": False, **options})


def _text(name: str, **options: Any) -> Column[str]:  # noqa: ANN401
    return Column(name, Text, **{"nullable": False, **options})


def _one_of(column: str, *values: str) -> CheckConstraint:
    return CheckConstraint(f"{column} IN ({', '.join(repr(value) for value in values)})", name=column)


def _file_id() -> Column[str]:
    return Column("file_id", Text, ForeignKey("ingestions.file_id", ondelete="CASCADE"), primary_key=True)


predictions = Table(
    "predictions",
    metadata,
    Column("id", Id, primary_key=True),
    _text("request_id"),
    _text("use_case"),
    _text("model_version"),
    _text("source"),
    _time("created_at"),
    Column("features", JSON, nullable=False),
    _text("prediction"),
    Column("probability", Double, nullable=False),
    Column("probabilities", JSON, nullable=False),
    _text("entity_id", nullable=True),
    _text("file_id", nullable=True),
    Column("row_number", Integer),
    _one_of("source", "webapp", "scheduled", "api", "queue"),
    CheckConstraint("(file_id IS NULL) = (row_number IS NULL)", name="origin"),
)
FROM_FILE = text("file_id IS NOT NULL")
Index(
    "uq_predictions_file_id_row_number_model_version",
    predictions.c.file_id,
    predictions.c.row_number,
    predictions.c.model_version,
    unique=True,
    postgresql_where=FROM_FILE,
    sqlite_where=FROM_FILE,
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
    _text("file_id", primary_key=True),
    _text("bucket"),
    _text("key"),
    _text("etag"),
    _text("use_case", nullable=True),
    _text("status"),
    Column("rows_total", Integer, nullable=False),
    Column("rows_good", Integer, nullable=False),
    Column("rows_bad", Integer, nullable=False),
    _text("criticality"),
    _text("contract_sha256", nullable=True),
    _text("report_key", nullable=True),
    _text("good_key", nullable=True),
    _text("bad_key", nullable=True),
    _time("started_at"),
    _time("finished_at"),
    _time("predicted_at", nullable=True),
    _text("prediction_error", nullable=True),
    _text("error", nullable=True),
    _one_of("status", "done", "rejected", "failed"),
    _one_of("criticality", "none", "low", "medium", "high"),
)
TO_PREDICT = text("status = 'done' AND rows_good > 0 AND predicted_at IS NULL AND prediction_error IS NULL")
Index("ix_ingestions_to_predict", ingestions.c.finished_at, postgresql_where=TO_PREDICT, sqlite_where=TO_PREDICT)
Index(None, ingestions.c.finished_at)

data_quality_issues = Table(
    "data_quality_issues",
    metadata,
    _file_id(),
    _text("use_case", nullable=True),
    _text("column_name", primary_key=True),
    _text("rule", primary_key=True),
    Column("rows", Integer, nullable=False),
    Column("sample", JSON, nullable=False),
    _time("detected_at", index=True),
)

bad_rows = Table(
    "bad_rows",
    metadata,
    _file_id(),
    Column("row_number", Integer, primary_key=True),
    Column("line_number", Integer, nullable=False),
    _text("raw"),
    Column("reasons", JSON, nullable=False),
)

column_statistics = Table(
    "column_statistics",
    metadata,
    _file_id(),
    _text("column_name", primary_key=True),
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
    _time("started_at", index=True),
    _time("finished_at"),
    _text("status"),
    Column("files", Integer, nullable=False),
    Column("rows", Integer, nullable=False),
    _text("error", nullable=True),
    _one_of("status", "completed", "skipped", "failed"),
)

ground_truth = Table(
    "ground_truth",
    metadata,
    Column("prediction_id", Id, ForeignKey("predictions.id", ondelete="CASCADE"), primary_key=True),
    _text("use_case"),
    _text("actual"),
    _time("created_at", index=True),
)

drift_metrics = Table(
    "drift_metrics",
    metadata,
    _text("use_case", primary_key=True),
    _text("model_version", primary_key=True),
    _time("window_start", primary_key=True),
    _time("window_end", primary_key=True),
    _text("feature", primary_key=True),
    Column("n", Integer, nullable=False),
    _text("method"),
    Column("statistic", Double),
    Column("p_value", Double),
    Column("effect", Double),
    _text("state"),
    Column("bins", JSON, nullable=False),
    _one_of("state", "insufficient", "ok", "warning", "alarm", "severe"),
)
Index(None, drift_metrics.c.window_end)

performance_metrics = Table(
    "performance_metrics",
    metadata,
    _text("use_case", primary_key=True),
    _text("model_version", primary_key=True),
    _time("window_start", primary_key=True),
    _time("window_end", primary_key=True),
    _text("metric", primary_key=True),
    _text("kind", primary_key=True),
    Column("value", Double),
    Column("low", Double),
    Column("high", Double),
    Column("n", Integer, nullable=False),
    _time("computed_at"),
    _one_of("kind", "measured", "estimated"),
)
Index(None, performance_metrics.c.window_end)

alerts = Table(
    "alerts",
    metadata,
    Column("id", Id, primary_key=True),
    _text("rule"),
    _text("subject"),
    _text("state"),
    _text("severity"),
    Column("payload", JSON, nullable=False),
    _time("created_at", index=True),
    _time("sent_at", nullable=True),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("delivered_to", JSON, nullable=False, server_default=text("'[]'")),
    _time("leased_until", nullable=True),
    _one_of("state", "firing", "resolved"),
)
Index(None, alerts.c.rule, alerts.c.subject, alerts.c.created_at)
UNSENT = text("sent_at IS NULL")
Index("ix_alerts_unsent", alerts.c.created_at, postgresql_where=UNSENT, sqlite_where=UNSENT)

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    _text("key", primary_key=True),
    _text("use_case"),
    _text("body_sha256"),
    Column("status", Integer, nullable=False),
    Column("response", JSON, nullable=False),
    _time("created_at", index=True),
)

prediction_totals = Table(
    "prediction_totals",
    metadata,
    _text("use_case", primary_key=True),
    _text("model_version", primary_key=True),
    _text("source", primary_key=True),
    _text("prediction", primary_key=True),
    Column("predictions", BigInteger, nullable=False),
)
rollups = Table("rollups", metadata, _text("name", primary_key=True), _time("until"))

request_counts = Table(
    "request_counts",
    metadata,
    _text("route", primary_key=True),
    Column("status", Integer, primary_key=True),
    Column("bucket", Double, primary_key=True),
    Column("requests", BigInteger, nullable=False),
    Column("seconds", Double, nullable=False),
)
