"""Reading a version's predictions, of which there may be a million."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Text, cast, func, select

from tabserve.core.tables import predictions
from tabserve.monitoring.windows import PredictionRow

FETCHED_AT_ONCE = 10_000
STREAM = """
SELECT created_at, features::text, prediction, coalesce(value, probability) FROM predictions
WHERE use_case = %s AND model_version = %s AND created_at >= %s AND created_at < %s ORDER BY created_at
"""


def prediction_rows(
    connection: Connection, use_case: str, version: str, start: datetime | None, end: datetime
) -> Iterator[Sequence[PredictionRow]]:
    """Yield blocks of predictions ordered by time; `start` is included, `end` is not."""
    read = _fetched if connection.dialect.name == "postgresql" else _selected
    yield from read(connection, use_case, version, start, end)


def _fetched(
    connection: Connection, use_case: str, version: str, start: datetime | None, end: datetime
) -> Iterator[Sequence[PredictionRow]]:
    """Read with the driver itself: of a million rows that takes half the time."""
    driver: Any = connection.connection.driver_connection
    with driver.cursor(name="predictions") as cursor:
        cursor.execute(STREAM, (use_case, version, start or datetime.min.replace(tzinfo=UTC), end))
        while block := cursor.fetchmany(FETCHED_AT_ONCE):
            yield block


def _selected(
    connection: Connection, use_case: str, version: str, start: datetime | None, end: datetime
) -> Iterator[Sequence[PredictionRow]]:
    answered = func.coalesce(predictions.c.value, predictions.c.probability)
    columns = (cast(predictions.c.features, Text), predictions.c.prediction, answered)
    query = (
        select(predictions.c.created_at, *columns)
        .where(predictions.c.use_case == use_case, predictions.c.model_version == version)
        .where(predictions.c.created_at < end)
        .order_by(predictions.c.created_at)
    )
    if start is not None:
        query = query.where(predictions.c.created_at >= start)
    yield from connection.execution_options(yield_per=FETCHED_AT_ONCE).execute(query).partitions()
