"""Which good files wait for predictions and what scheduled runs have done, in the database."""

from collections.abc import Sequence
from dataclasses import asdict, fields
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, Select, func, select, update

from tabserve.alerts.alert import Alert
from tabserve.alerts.outbox import add_alerts
from tabserve.batch.ports import PredictionRun
from tabserve.core.database import Database, insert
from tabserve.core.errors import LeaseLostError
from tabserve.core.files import Ingestion
from tabserve.core.tables import ingestions, prediction_runs, predictions

COLUMNS = [ingestions.c[field.name] for field in fields(Ingestion)]


class PendingFiles:
    """Ingested files and how far their predictions are; implements PendingFileStore."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def to_predict(self, limit: int) -> Sequence[Ingestion]:
        oldest = (ingestions.c.finished_at, ingestions.c.file_id)
        turn = func.row_number().over(partition_by=ingestions.c.use_case, order_by=oldest)
        query = (
            select(*COLUMNS)
            .where(ingestions.c.status == "done", ingestions.c.rows_good > 0, ingestions.c.good_key.is_not(None))
            .where(ingestions.c.predicted_at.is_(None), ingestions.c.prediction_error.is_(None))
            .order_by(turn, *oldest)
            .limit(limit)
        )
        return [Ingestion(*row) for row in self._database.run(lambda connection: connection.execute(query).all())]

    def last_predicted_row(self, file_id: str) -> int:
        query = _scheduled(func.max(predictions.c.row_number), file_id)
        return self._database.run(lambda connection: connection.scalar(query)) or 0

    def predicted_rows(self, file_id: str, first: int, last: int) -> Sequence[int]:
        query = _scheduled(predictions.c.row_number, file_id).where(predictions.c.row_number.between(first, last))
        return self._database.run(lambda connection: connection.execute(query).scalars().all())

    def count_predicted(self, file_id: str) -> int:
        return self._database.run(lambda connection: connection.scalar(_scheduled(func.count(), file_id))) or 0

    def begin_predicting(self, file_id: str, fence: int) -> None:
        older, pending = ingestions.c.prediction_fence < fence, ingestions.c.predicted_at.is_(None)
        with self._database.transaction() as connection:
            _hold(connection, file_id, fence, older, pending, ingestions.c.prediction_error.is_(None))

    def mark_predicted(self, file_id: str, fence: int, at: datetime) -> None:
        done = {"predicted_at": at, "prediction_error": None}
        self._database.run(lambda connection: _hold(connection, file_id, fence, **done))

    def give_up_predicting(self, file_id: str, fence: int, error: str, alerts: Sequence[Alert]) -> None:
        def work(connection: Connection) -> None:
            _hold(connection, file_id, fence, ingestions.c.predicted_at.is_(None), prediction_error=error)
            add_alerts(connection, alerts)

        self._database.run(work)

    def given_up(self) -> Sequence[Ingestion]:
        query = select(*COLUMNS).where(ingestions.c.prediction_error.is_not(None)).order_by(ingestions.c.finished_at)
        return [Ingestion(*row) for row in self._database.run(lambda connection: connection.execute(query).all())]

    def retry_predicting(self, file_id: str, alerts: Sequence[Alert]) -> None:
        def work(connection: Connection) -> None:
            fence = ingestions.c.prediction_fence + 1
            again = update(ingestions).where(ingestions.c.file_id == file_id)
            connection.execute(again.values(prediction_error=None, prediction_fence=fence))
            add_alerts(connection, alerts)

        self._database.run(work)

    def add_run(self, run: PredictionRun) -> None:
        """Store one finished run, unless it is there."""
        self._database.run(
            lambda connection: connection.execute(
                insert(connection, prediction_runs).values(asdict(run)).on_conflict_do_nothing(index_elements=["id"])
            )
        )


def _scheduled(what: ColumnElement[int], file_id: str) -> Select[int]:
    """Ask for something about the scheduled predictions of a file: one a row, which an index sees to."""
    of_file = (predictions.c.file_id == file_id, predictions.c.source == "scheduled")
    return select(what).select_from(predictions).where(*of_file)


def _hold(connection: Connection, file_id: str, fence: int, *more: ColumnElement[bool], **values: object) -> None:
    """Change a file under the fence of a claim; raise LeaseLostError when there is a newer one."""
    held = (ingestions.c.file_id == file_id, ingestions.c.prediction_fence <= fence)
    change = update(ingestions).where(*held, *more).values(prediction_fence=fence, **values)
    if not connection.execute(change).rowcount:
        raise LeaseLostError(f"there is a newer claim on file {file_id}")
