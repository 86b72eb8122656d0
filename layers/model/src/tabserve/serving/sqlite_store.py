"""Predictions in SQLite, for trying tabserve without a server; only with such a URL is SQLAlchemy imported here."""

import re
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Text, bindparam, literal, select, text, type_coerce, update
from sqlalchemy.dialects.sqlite import insert

from tabserve.core.columns import UtcTime
from tabserve.core.database import Database
from tabserve.core.errors import DatabaseUnavailableError, LeaseLostError
from tabserve.core.tables import challenger_predictions, ground_truth, idempotency_keys, ingestions, predictions
from tabserve.serving import history, metric_store, trial_store
from tabserve.serving.metrics import Family, RequestCount
from tabserve.serving.postgres import API_TIMEOUT_MS
from tabserve.serving.prediction import GroundTruth, HistoryQuery, Page, Prediction, PredictionBatch, StoredReply
from tabserve.serving.trial import ScoringCount

NEW = insert(ground_truth)
RECORD = NEW.on_conflict_do_update(
    index_elements=["prediction_id"],
    set_={"actual": NEW.excluded.actual, "created_at": NEW.excluded.created_at},
    where=ground_truth.c.actual != NEW.excluded.actual,
)


class SqlitePredictions:
    """Predictions in a file, written in one transaction a call; implements PredictionStore."""

    def __init__(self, url: str) -> None:
        self._database = Database(url, API_TIMEOUT_MS)

    def add(self, *batches: PredictionBatch) -> None:
        with self._database.transaction() as connection:
            for batch in batches:
                _add(connection, batch)

    def add_of_file(self, batch: PredictionBatch, fence: int) -> None:
        hold = update(ingestions).where(ingestions.c.file_id == batch.file_id, ingestions.c.prediction_fence <= fence)
        with self._database.transaction() as connection:
            if not connection.execute(hold.values(prediction_fence=fence)).rowcount:
                raise LeaseLostError(f"there is a newer claim on file {batch.file_id}")
            _add(connection, batch)

    def add_once(self, batch: PredictionBatch, reply: StoredReply) -> StoredReply | None:
        response = literal(reply.response.decode(), Text)  # to the letter
        claim = insert(idempotency_keys).values(**asdict(reply) | {"status": 200, "response": response})
        with self._database.transaction() as connection:
            if connection.execute(claim.on_conflict_do_nothing()).rowcount:
                _add(connection, batch)
                return None
        return self.find_reply(reply.key)

    def find_reply(self, key: str) -> StoredReply | None:
        kept = idempotency_keys.c
        query = select(kept.use_case, kept.body_sha256, type_coerce(kept.response, Text), kept.created_at)
        with self._database.transaction() as connection:
            found = connection.execute(query.where(kept.key == key)).first()
        if found is None:
            return None
        use_case, body_sha256, response, created_at = found
        return StoredReply(key, use_case, body_sha256, response.encode(), created_at)

    def record_ground_truth(self, use_case: str, truths: Sequence[GroundTruth], at: datetime) -> list[bool]:
        with self._database.transaction() as connection:
            ids = [_prediction_id(connection, use_case, truth) for truth in truths]
            for id_, truth in zip(ids, truths, strict=True):
                values = {"prediction_id": id_, "use_case": use_case, "actual": truth.actual, "created_at": at}
                if id_ is not None:
                    connection.execute(RECORD, values)
        return [id_ is not None for id_ in ids]

    def past(self, query: HistoryQuery) -> Page:
        sql, parameters = history.statement(query)
        statement = text(re.sub(r"%\((\w+)\)s", r":\1", sql)).columns(*(predictions.c[name] for name in history.NAMES))
        times = [bindparam(name, type_=UtcTime) for name, value in parameters.items() if isinstance(value, datetime)]
        with self._database.transaction() as connection:
            rows = connection.execute(statement.bindparams(*times), parameters).all()
        return history.page(query, [Prediction(*row) for row in rows])

    def families(self) -> Sequence[Family]:
        return metric_store.families(self._rows)

    def add_requests(self, counts: Sequence[RequestCount]) -> None:
        metric_store.add_requests(self._rows, counts)

    def add_scoring(self, counts: Sequence[ScoringCount], minute: datetime) -> None:
        trial_store.add_scoring(self._rows, counts, minute)

    def scoring(self, use_case: str, trial: int, since: datetime) -> Sequence[ScoringCount]:
        return trial_store.scoring(self._rows, use_case, trial, since)

    def reachable(self) -> bool:
        """Tell whether the file can be read and has its tables."""
        try:
            self._rows("SELECT 1 FROM predictions LIMIT 1", ())
        except DatabaseUnavailableError:
            return False
        return True

    def _rows(self, sql: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
        """Run one statement that marks its parameters with %s; return its rows."""
        with self._database.transaction() as connection:
            result = connection.exec_driver_sql(sql.replace("%s", "?"), tuple(parameters))
            return [tuple(row) for row in result] if result.returns_rows else []


def _add(connection: Connection, batch: PredictionBatch) -> None:
    """Store a batch; what a challenger says beside it, of the rows that have a prediction by these ids then."""
    values = [{name: getattr(row, name) for name in history.NAMES} for row in batch]
    connection.execute(insert(predictions).on_conflict_do_nothing(), values)
    if batch.shadow:
        stored = set(connection.scalars(select(predictions.c.id).where(predictions.c.id.in_(batch.shadow.ids))))
        beside = [each for each in batch.beside() if each["prediction_id"] in stored]
        connection.execute(insert(challenger_predictions).on_conflict_do_nothing(), beside)


def _prediction_id(connection: Connection, use_case: str, truth: GroundTruth) -> str | None:
    of = predictions.c
    about = of.id == truth.prediction_id if truth.prediction_id else of.entity_id == truth.entity_id
    latest = select(of.id).where(of.use_case == use_case, about).order_by(of.created_at.desc(), of.id.desc())
    return connection.scalar(latest.limit(1))
