"""Where ingestion keeps what it found out."""

import json
from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import asdict, fields
from datetime import datetime
from itertools import islice
from pathlib import PurePosixPath

from sqlalchemy import ColumnElement, Connection, and_, exists, func, or_, select, update
from sqlalchemy import insert as plain_insert

from tabserve.alerts.alert import Alert
from tabserve.alerts.outbox import add_alerts, last_alert
from tabserve.core import tables
from tabserve.core.database import Database, insert
from tabserve.core.files import REPAIRED, Ingestion, repaired_key
from tabserve.core.tables import column_statistics, data_quality_issues, ingestions, rollups
from tabserve.ingestion.ports import AlertAfter
from tabserve.ingestion.quarantine import storable
from tabserve.ingestion.severity import RULE
from tabserve.ingestion.validation_result import BadRow, ColumnStatistics, Issue

COLUMNS = [ingestions.c[field.name] for field in fields(Ingestion)]
PIECE = 10_000
SWEEP = "sweep"
FOR_THE_REPORT = ("edges", "counts", "others", "unusual", "top_is_estimated", "earliest", "latest")  # of statistics
# As fast as COPY, and for any text: COPY of CSV ends before PostgreSQL 18 at a line of \. within quotes.
INSERT_BAD_ROWS = """INSERT INTO bad_rows (file_id, row_number, line_number, raw, reasons)
    SELECT file_id, row_number, line_number, raw, reasons FROM json_populate_recordset(NULL::bad_rows, %s)"""


class Ingestions:
    """Files with their issues, statistics and bad rows, each in one transaction; implements IngestionStore."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def find(self, file_id: str) -> Ingestion | None:
        query = select(*COLUMNS).where(ingestions.c.file_id == file_id)
        row = self._database.run(lambda connection: connection.execute(query).first())
        return None if row is None else Ingestion(*row)

    def save(
        self,
        ingestion: Ingestion,
        issues: Sequence[Issue],
        bad_rows: Iterable[BadRow],
        statistics: Sequence[ColumnStatistics] = (),
    ) -> bool:
        with self._database.transaction() as connection:
            if not _add_ingestion(connection, ingestion):
                return False
            _add_issues(connection, ingestion, issues)
            _add_statistics(connection, ingestion.file_id, statistics)
            _add_bad_rows(connection, ingestion.file_id, iter(bad_rows))
        return True

    def finished(self, file_ids: Sequence[str]) -> Set[str]:
        query = select(ingestions.c.file_id).where(
            ingestions.c.file_id.in_(file_ids), ingestions.c.report_key.is_not(None)
        )
        return set(self._database.run(lambda connection: connection.execute(query).scalars().all()))

    def swept_until(self) -> datetime:
        query = select(rollups.c.until).where(rollups.c.name == SWEEP)
        until: datetime = self._database.run(lambda connection: connection.execute(query).scalar_one())
        return until

    def note_swept(self, until: datetime) -> None:
        noted = update(rollups).where(rollups.c.name == SWEEP).values(until=until)
        self._database.run(lambda connection: connection.execute(noted))

    def failed(self) -> Set[str]:
        """Return the files at which ingestion failed."""
        query = select(ingestions.c.file_id).where(ingestions.c.status == "failed")
        return set(self._database.run(lambda connection: connection.execute(query).scalars().all()))

    def note_objects(self, ingestion: Ingestion, alert_after: AlertAfter | None = None) -> bool:
        def work(connection: Connection) -> bool:
            _lock_key(connection, ingestion.key)
            ours = (
                update(ingestions)
                .where(ingestions.c.file_id == ingestion.file_id, ingestions.c.status == ingestion.status)
                .where(ingestions.c.contract_sha256.is_not_distinct_from(ingestion.contract_sha256))
                .values(good_key=ingestion.good_key, bad_key=ingestion.bad_key, report_key=ingestion.report_key)
            )
            if connection.execute(ours).rowcount == 0:
                return False
            if alert_after and not connection.scalar(select(_newer_is_finished(ingestion.file_id))):
                _add(connection, alert_after(last_alert(connection, RULE, ingestion.key)))
                for previous in _alerts_of_repaired_files(connection, ingestion):
                    _add(connection, alert_after(previous))
            return True

        return self._database.run(work)


def _add(connection: Connection, alert: Alert | None) -> None:
    add_alerts(connection, [alert] if alert else [])


def _alerts_of_repaired_files(connection: Connection, ingestion: Ingestion) -> list[Alert]:
    """Return the firing alerts of the file that this good one ends the repair of, and of its other repaired files.

    It is repaired when its repaired files have as many good rows as it had bad ones: some may be repaired by each.
    """
    original = repaired_key(ingestion.key)
    if original is None or ingestion.status != "done" or ingestion.rows_bad or not ingestion.rows_good:
        return []
    _lock_key(connection, original)
    finished = (ingestions.c.bucket == ingestion.bucket, ingestions.c.report_key.is_not(None))
    newest = select(ingestions.c.rows_bad).where(*finished, ingestions.c.key == original)
    rows_bad = connection.scalar(newest.order_by(ingestions.c.finished_at.desc()).limit(1))
    start = str(PurePosixPath(original).with_suffix("")) + REPAIRED
    repairs = select(ingestions.c.key, func.sum(ingestions.c.rows_good)).where(
        *finished, ingestions.c.key.startswith(start, autoescape=True)
    )
    repaired = {row[0]: row[1] for row in connection.execute(repairs.group_by(ingestions.c.key))}
    if sum(repaired.values()) < (rows_bad or 0):
        return []
    keys = [original, *sorted(repaired)]
    found = (last_alert(connection, RULE, key) for key in keys)
    return [alert for alert in found if alert and alert.state == "firing"]


def _lock_key(connection: Connection, key: str) -> None:
    """Let no other version of a raw key be finished until the transaction ends."""
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(key, 0))))


def _newer_is_finished(file_id: str) -> ColumnElement[bool]:
    """Tell whether a newer version of a file's key was finished before it: by S3's sequencer, else by time."""
    this, other = ingestions.alias("this"), ingestions.alias("other")
    unordered = or_(this.c.sequencer.is_(None), other.c.sequencer.is_(None))
    newer = or_(other.c.sequencer > this.c.sequencer, and_(unordered, other.c.written_at > this.c.written_at))
    same = and_(other.c.bucket == this.c.bucket, other.c.key == this.c.key, other.c.report_key.is_not(None))
    return exists().where(this.c.file_id == file_id, same, newer)


def _add_ingestion(connection: Connection, ingestion: Ingestion) -> bool:
    values = {field.name: getattr(ingestion, field.name) for field in fields(ingestion)}
    statement = insert(connection, ingestions).values(**values)
    replaced = statement.on_conflict_do_update(
        index_elements=["file_id"], set_=values, where=_may_be_replaced(ingestion)
    )
    if connection.execute(replaced.returning(ingestions.c.file_id)).first() is None:
        return False
    for table in (data_quality_issues, column_statistics, tables.bad_rows):
        connection.execute(table.delete().where(table.c.file_id == ingestion.file_id))
    return True


def _may_be_replaced(new: Ingestion) -> ColumnElement[bool]:
    """Tell whether a stored ingestion failed, or is unfinished and of another contract or status."""
    other = or_(ingestions.c.status != new.status, ingestions.c.contract_sha256.is_distinct_from(new.contract_sha256))
    return or_(ingestions.c.status == "failed", and_(ingestions.c.report_key.is_(None), other))


def _add_issues(connection: Connection, ingestion: Ingestion, issues: Sequence[Issue]) -> None:
    rows = [
        {
            "file_id": ingestion.file_id,
            "use_case": ingestion.use_case,
            "column_name": storable(issue.column),
            "rule": issue.rule,
            "rows": issue.rows,
            "sample": list(map(storable, issue.sample)),
            "detected_at": ingestion.finished_at,
        }
        for issue in issues
    ]
    if rows:
        connection.execute(plain_insert(data_quality_issues), rows)


def _add_statistics(connection: Connection, file_id: str, statistics: Sequence[ColumnStatistics]) -> None:
    rows = [
        asdict(column) | {"file_id": file_id, "top": [(storable(value), count) for value, count in column.top]}
        for column in statistics
    ]
    for row in rows:
        row["column_name"] = row.pop("column")
        for name in FOR_THE_REPORT:
            del row[name]
    if rows:
        connection.execute(plain_insert(column_statistics), rows)


def _add_bad_rows(connection: Connection, file_id: str, bad: Iterator[BadRow]) -> None:
    while piece := list(islice(bad, PIECE)):
        rows = [
            {
                "file_id": file_id,
                "row_number": row.row_number,
                "line_number": row.line_number,
                "raw": storable(row.raw),
                "reasons": _reasons(row),
            }
            for row in piece
        ]
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql(INSERT_BAD_ROWS, (json.dumps(rows),))
        else:
            connection.execute(plain_insert(tables.bad_rows), rows)


def _reasons(row: BadRow) -> list[dict[str, str]]:
    return [{"column": storable(r.column), "rule": r.rule, "value": storable(r.value)} for r in row.reasons]
