"""Predictions in SQLite, for trying tabserve without a server."""

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import chain
from threading import RLock
from typing import Any

from tabserve.core.errors import DatabaseUnavailableError, LeaseLostError
from tabserve.serving import history, metric_store
from tabserve.serving.metrics import Family, RequestCount
from tabserve.serving.prediction import GroundTruth, HistoryQuery, Page, Prediction, PredictionBatch, StoredReply

TIMEOUT_S = 5
TIME = "%Y-%m-%d %H:%M:%S.%f"  # how SQLAlchemy writes it, so both read each other's rows
INSERT = f"INSERT OR IGNORE INTO predictions ({history.COLUMNS}) VALUES ({', '.join('?' * 13)})"  # noqa: S608
HOLD = "UPDATE ingestions SET prediction_fence = ? WHERE file_id = ? AND prediction_fence <= ?"
CLAIM = "INSERT OR IGNORE INTO idempotency_keys VALUES (?, ?, ?, 200, ?, ?)"
REPLY = "SELECT use_case, body_sha256, response, created_at FROM idempotency_keys WHERE key = ?"
RECORD = """INSERT INTO ground_truth (prediction_id, use_case, actual, created_at) VALUES (?, ?, ?, ?)
    ON CONFLICT (prediction_id) DO UPDATE SET actual = excluded.actual, created_at = excluded.created_at
    WHERE ground_truth.actual <> excluded.actual"""
NAMED = "SELECT id FROM predictions WHERE use_case = ? AND id = ?"
LATEST = "SELECT id FROM predictions WHERE use_case = ? AND entity_id = ? ORDER BY created_at DESC, id DESC LIMIT 1"


class SqlitePredictions:
    """Predictions in a file, written in one transaction a call."""

    def __init__(self, url: str) -> None:
        self._path = url.partition(":///")[2]
        self._connection: sqlite3.Connection | None = None
        self._lock = RLock()

    def add(self, *batches: PredictionBatch) -> None:
        """Store all or none; rows that are there already stay as they are."""
        with self._transaction() as connection:
            connection.executemany(INSERT, map(_row, chain(*batches)))

    def add_of_file(self, batch: PredictionBatch, fence: int) -> None:
        """Store rows of a file wholly or not at all, with the fence of the claim on it; raise LeaseLostError."""
        with self._transaction() as connection:
            if not connection.execute(HOLD, (fence, batch.file_id, fence)).rowcount:
                raise LeaseLostError(f"there is a newer claim on file {batch.file_id}")
            connection.executemany(INSERT, map(_row, batch))

    def add_once(self, batch: PredictionBatch, reply: StoredReply) -> StoredReply | None:
        """Store a batch with its reply, or return the reply stored first under the key."""
        claim = (reply.key, reply.use_case, reply.body_sha256, reply.response.decode(), _time(reply.created_at))
        with self._transaction() as connection:
            if connection.execute(CLAIM, claim).rowcount:
                connection.executemany(INSERT, map(_row, batch))
                return None
        return self.find_reply(reply.key)

    def find_reply(self, key: str) -> StoredReply | None:
        """Return the reply stored under a key."""
        with self._transaction() as connection:
            found = connection.execute(REPLY, (key,)).fetchone()
        if found is None:
            return None
        use_case, body_sha256, response, created_at = found
        return StoredReply(key, use_case, body_sha256, response.encode(), _utc(created_at))

    def record_ground_truth(self, use_case: str, truths: Sequence[GroundTruth], at: datetime) -> list[bool]:
        """Store ground truth; return for each whether its prediction exists."""
        with self._transaction() as connection:
            ids = [_prediction_id(connection, use_case, truth) for truth in truths]
            rows = [(id_, use_case, truth.actual, _time(at)) for id_, truth in zip(ids, truths, strict=True) if id_]
            connection.executemany(RECORD, rows)
        return [id_ is not None for id_ in ids]

    def past(self, query: HistoryQuery) -> Page:
        """Read a page, newest first."""
        sql = history.statement(query, lambda name: f":{name}")
        with self._transaction() as connection:
            rows = connection.execute(sql, dict(history.parameters(query, _time))).fetchall()
        return history.page(query, [_prediction(row) for row in rows])

    def families(self) -> Sequence[Family]:
        """Count everything."""
        return metric_store.families(self._rows)

    def add_requests(self, counts: Sequence[RequestCount]) -> None:
        """Add an instance's counts to those of all instances."""
        metric_store.add_requests(self._rows, counts)

    def _rows(self, sql: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
        """Run one statement that marks its parameters with %s; return its rows."""
        with self._transaction() as connection:
            return connection.execute(sql.replace("%s", "?"), parameters).fetchall()

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


def _prediction_id(connection: sqlite3.Connection, use_case: str, truth: GroundTruth) -> str | None:
    query, about = (NAMED, truth.prediction_id) if truth.prediction_id else (LATEST, truth.entity_id)
    found = connection.execute(query, (use_case, about)).fetchone()
    return found[0] if found else None


def _utc(text: object) -> datetime:
    return datetime.strptime(str(text), TIME).replace(tzinfo=UTC)


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
    values["created_at"] = _utc(values["created_at"])
    values["features"] = json.loads(str(values["features"]))
    values["probabilities"] = json.loads(str(values["probabilities"]))
    return Prediction(**values)  # type: ignore[arg-type]  # the table's types
