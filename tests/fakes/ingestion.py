"""Ingested files in memory."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from tabserve.alerts.alert import Alert
from tabserve.batch.ports import PredictionRun
from tabserve.core.errors import LeaseLostError
from tabserve.core.files import Ingestion
from tabserve.ingestion.ports import AlertAfter
from tabserve.ingestion.severity import RULE
from tabserve.ingestion.validation_result import BadRow, ColumnStatistics, Issue


@dataclass
class FakeIngestions:
    """Ingested files in dictionaries."""

    files: dict[str, Ingestion] = field(default_factory=dict)
    issues: dict[str, Sequence[Issue]] = field(default_factory=dict)
    bad_rows: dict[str, Sequence[BadRow]] = field(default_factory=dict)
    statistics: dict[str, Sequence[ColumnStatistics]] = field(default_factory=dict)
    alerts: dict[str, Alert] = field(default_factory=dict)
    rows_predicted: dict[str, set[int]] = field(default_factory=dict)
    predicted: dict[str, datetime] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    fences: dict[str, int] = field(default_factory=dict)
    runs: list[PredictionRun] = field(default_factory=list)
    swept: datetime = datetime(1970, 1, 1, tzinfo=UTC)

    def find(self, file_id: str) -> Ingestion | None:
        return self.files.get(file_id)

    def save(
        self,
        ingestion: Ingestion,
        issues: Sequence[Issue],
        bad_rows: Iterable[BadRow],
        statistics: Sequence[ColumnStatistics] = (),
    ) -> bool:
        known = self.files.get(ingestion.file_id)
        if known is not None and not _may_be_replaced(known, ingestion):
            return False
        self.bad_rows[ingestion.file_id] = list(bad_rows)
        self.files[ingestion.file_id] = ingestion
        self.issues[ingestion.file_id] = issues
        self.statistics[ingestion.file_id] = statistics
        return True

    def finished(self, file_ids: Sequence[str]) -> set[str]:
        return {file_id for file_id in file_ids if (known := self.files.get(file_id)) and known.report_key}

    def swept_until(self) -> datetime:
        return self.swept

    def note_swept(self, until: datetime) -> None:
        self.swept = until

    def note_objects(self, ingestion: Ingestion, alert_after: AlertAfter | None = None) -> bool:
        known = self.files.get(ingestion.file_id)
        if known is None or _kind(known) != _kind(ingestion):
            return False
        keys = {name: getattr(ingestion, name) for name in ("good_key", "bad_key", "report_key")}
        noted = replace(known, **keys)
        self.files[ingestion.file_id] = noted
        others = [other for other in self.files.values() if other.key == noted.key and other.report_key]
        if alert_after and not any(_newer(other, noted) for other in others):
            about = [alert for alert in self.alerts.values() if (alert.rule, alert.subject) == (RULE, noted.key)]
            alert = alert_after(max(about, key=lambda alert: alert.created_at, default=None))
            self._add([alert] if alert else [])
        return True

    def to_predict(self, limit: int) -> Sequence[Ingestion]:
        done = [
            replace(file, prediction_fence=self.fences.get(file.file_id, 0))
            for file in self.files.values()
            if file.status == "done"
            and file.rows_good
            and file.good_key
            and file.file_id not in self.predicted
            and file.file_id not in self.errors
        ]
        oldest = sorted(done, key=lambda file: (file.finished_at, file.file_id))
        seen: Counter[str | None] = Counter()
        turns = []
        for file in oldest:
            turns.append((seen[file.use_case], file))
            seen[file.use_case] += 1
        return [file for _, file in sorted(turns, key=lambda turn: turn[0])][:limit]

    def last_predicted_row(self, file_id: str) -> int:
        return max(self.rows_predicted.get(file_id, ()), default=0)

    def predicted_rows(self, file_id: str, first: int, last: int) -> Sequence[int]:
        return [row for row in self.rows_predicted.get(file_id, ()) if first <= row <= last]

    def count_predicted(self, file_id: str) -> int:
        return len(self.rows_predicted.get(file_id, ()))

    def begin_predicting(self, file_id: str, fence: int) -> None:
        if file_id in self.predicted or file_id in self.errors or self.fences.get(file_id, 0) >= fence:
            raise LeaseLostError(file_id)
        self.hold(file_id, fence)

    def mark_predicted(self, file_id: str, fence: int, at: datetime) -> None:
        self.hold(file_id, fence)
        self.predicted[file_id] = at

    def given_up(self) -> Sequence[Ingestion]:
        return [self.files[file_id] for file_id in self.errors]

    def retry_predicting(self, file_id: str, alerts: Sequence[Alert]) -> None:
        del self.errors[file_id]
        self.fences[file_id] = self.fences.get(file_id, 0) + 1
        self._add(alerts)

    def give_up_predicting(self, file_id: str, fence: int, error: str, alerts: Sequence[Alert]) -> None:
        self.hold(file_id, fence)
        self.errors[file_id] = error
        self._add(alerts)

    def add_run(self, run: PredictionRun) -> None:
        self.runs.append(run)

    def hold(self, file_id: str, fence: int) -> None:
        if self.fences.get(file_id, 0) > fence:
            raise LeaseLostError(file_id)
        self.fences[file_id] = fence

    def _add(self, alerts: Sequence[Alert]) -> None:
        for alert in alerts:
            self.alerts.setdefault(alert.id, alert)


def _kind(file: Ingestion) -> tuple[str, str | None]:
    return file.status, file.contract_sha256


def _may_be_replaced(known: Ingestion, new: Ingestion) -> bool:
    return known.status == "failed" or (known.report_key is None and _kind(known) != _kind(new))


def _newer(other: Ingestion, this: Ingestion) -> bool:
    if other.sequencer and this.sequencer:
        return other.sequencer > this.sequencer
    return bool(other.written_at and this.written_at and other.written_at > this.written_at)
