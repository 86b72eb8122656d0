"""Kinds of columns that several tables have, and how their constraints are named."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, Column, DateTime, Double, ForeignKey, Text, TypeDecorator
from sqlalchemy.dialects.postgresql import UUID
from sqlalchemy.engine import Dialect

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}
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


def columns(type_: Any, *names: str, **options: Any) -> list[Column[Any]]:  # noqa: ANN401  as SQLAlchemy takes them
    """Return columns of one type that are required unless told otherwise."""
    return [Column(name, type_, **{"nullable": False, **options}) for name in names]


def answer_columns() -> list[Column[Any]]:
    """Return what a version says of a record: a class with its probabilities, or a number with its interval."""
    return [
        *columns(Text, "prediction"),
        *columns(Double, "probability", nullable=True),
        *columns(JSON(none_as_null=True), "probabilities", nullable=True),
        *columns(Double, "value", "low", "high", nullable=True),
    ]


def one_of(column: str, *values: str) -> CheckConstraint:
    """Return a check that a column holds one of some words."""
    return CheckConstraint(f"{column} IN ({', '.join(repr(value) for value in values)})", name=column)


def file_id_column() -> Column[str]:
    """Return the part of a key that says to which file a row belongs."""
    return Column("file_id", Text, ForeignKey("ingestions.file_id", ondelete="CASCADE"), primary_key=True)
