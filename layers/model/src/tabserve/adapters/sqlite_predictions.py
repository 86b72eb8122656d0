"""Predictions in SQLite, for trying tabserve without a server."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from threading import RLock

from tabserve.adapters import history
from tabserve.domain.prediction import HistoryQuery, Page, Prediction, PredictionBatch
from tabserve.errors import DatabaseUnavailableError

TIMEOUT_S = 5
TIME = "%Y-%m-%d %H:%M:%S.%f"  # how SQLAlchemy writes it, so both read each other's rows
INSERT = f"INSERT OR IGNORE INTO predictions ({history.COLUMNS}) VALUES ({', '.join('?' * 13)})"  # noqa: S608


class SqlitePredictions:
    """Predictions in a file, written in one transaction a call."""

    def __init__(self, url: str) -> None:
        self._path = url.partition(":///")[2]
        self._connection: sqlite3.Connection | None = None
        self._lock = RLock()

    def add(self, batch: PredictionBatch) -> None:
        """Store all or none; rows that are there already stay as they are."""
        with self._transaction() as connection:
            connection.executemany(INSERT, map(_row, batch))

    def past(self, query: HistoryQuery) -> Page:
        """Read a page, newest first."""
        sql = history.statement(query, lambda name: f":{name}")
        with self._transaction() as connection:
            rows = connection.execute(sql, dict(history.parameters(query, _time))).fetchall()
        return history.page(query, [_prediction(row) for row in rows])

    def reachable(self) -> bool:
        """Tell whether the file can be read and has its tables."""
        try:
            with self._transaction() as connection:
                connection.execute("SELECT 1 FROM predictions LIMIT 1")
        except DatabaseUnavailableError:
            return False
        return True

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        try:
            with self._lock:
                if self._connection is None:
                    self._connection = sqlite3.connect(self._path, timeout=TIMEOUT_S, check_same_thread=False)
                with self._connection as connection:
                    yield connection
        except sqlite3.OperationalError as error:
            raise DatabaseUnavailableError(str(error)) from error


def _time(value: datetime) -> str:
    return value.astimezone(UTC).strftime(TIME)


def _row(prediction: Prediction) -> tuple[object, ...]:
    return (
        prediction.id,
        prediction.request_id,
        prediction.use_case,
        prediction.model_version,
        prediction.source,
        _time(prediction.created_at),
        json.dumps(prediction.features),
        prediction.prediction,
        prediction.probability,
        json.dumps(prediction.probabilities),
        prediction.entity_id,
        prediction.file_id,
        prediction.row_number,
    )


def _prediction(row: tuple[object, ...]) -> Prediction:
    values = dict(zip(history.COLUMNS.split(", "), row, strict=True))
    values["created_at"] = datetime.strptime(str(values["created_at"]), TIME).replace(tzinfo=UTC)
    values["features"] = json.loads(str(values["features"]))
    values["probabilities"] = json.loads(str(values["probabilities"]))
    return Prediction(**values)  # type: ignore[arg-type]  # the table's types
