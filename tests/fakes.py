"""Ports implemented in memory, for unit tests."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from io import BytesIO
from itertools import chain
from typing import BinaryIO

from tabserve.application.ports import Claim, ModelCards, OpenObject, PredictionRun
from tabserve.domain.alert import Alert, Notice
from tabserve.domain.metrics import Family, RequestCount, request_families
from tabserve.domain.prediction import (
    Cursor,
    Entity,
    Features,
    HistoryQuery,
    Outcome,
    Page,
    Prediction,
    PredictionBatch,
    Source,
    StoredReply,
    Value,
)
from tabserve.domain.quality import BadRow, ColumnStatistics, Ingestion, Issue, ObjectKeys
from tabserve.domain.reference import Reference
from tabserve.domain.use_case import UseCase
from tabserve.errors import AlertDeliveryError, DatabaseUnavailableError, LeaseLostError


@dataclass
class FakeModel:
    """Answers every row with the same probabilities."""

    row: Sequence[float]
    version: str = "20260101T000000Z-00000000"
    model_sha256: str = ""

    def probabilities(self, columns: Mapping[str, Sequence[Value]], rows: int) -> list[list[float]]:
        return [list(self.row) for _ in range(rows)]


@dataclass
class FakeModels:
    """Serves uniform probabilities, the last class being a little likelier."""

    def champion(self, use_case: UseCase) -> FakeModel:
        count = len(use_case.target.classes)
        row = [0.9 / count] * count
        row[-1] += 0.1
        return FakeModel(row)

    def reload(self, use_case: UseCase) -> FakeModel:
        return self.champion(use_case)

    def cards(self, use_case: UseCase) -> ModelCards:
        return ModelCards([], None, None)


@dataclass
class FakePredictions:
    """Predictions in a list; `away` plays a database that cannot be reached."""

    stored: dict[str, Prediction] = field(default_factory=dict)
    replies: dict[str, StoredReply] = field(default_factory=dict)
    outcomes: dict[str, str] = field(default_factory=dict)
    away: bool = False

    def add(self, *batches: PredictionBatch) -> None:
        self._must_be_there()
        for prediction in chain(*batches):
            self.stored.setdefault(prediction.id, prediction)

    def add_once(self, batch: PredictionBatch, reply: StoredReply) -> StoredReply | None:
        self._must_be_there()
        if first := self.replies.get(reply.key):
            return first
        self.replies[reply.key] = reply
        self.add(batch)
        return None

    def record(self, use_case: str, outcomes: Sequence[Outcome], at: datetime) -> list[bool]:
        self._must_be_there()
        return [self._record(use_case, outcome) for outcome in outcomes]

    def _record(self, use_case: str, outcome: Outcome) -> bool:
        about = [p for p in self.stored.values() if p.use_case == use_case and outcome.entity_id == p.entity_id]
        if outcome.prediction_id:
            about = [p for p in self.stored.values() if p.id == outcome.prediction_id]
        for prediction in about[-1:]:
            self.outcomes[prediction.id] = outcome.actual
        return bool(about)

    def past(self, query: HistoryQuery) -> Page:
        self._must_be_there()
        found = sorted((p for p in self.stored.values() if _matches(p, query)), key=_place, reverse=True)
        page, rest = found[: query.limit], found[query.limit :]
        return Page(page, Cursor(*_place(page[-1])) if rest else None)

    def reachable(self) -> bool:
        return not self.away

    def _must_be_there(self) -> None:
        if self.away:
            raise DatabaseUnavailableError("connection to server at 10.0.0.7 refused")


@dataclass
class FakeFeatures:
    """A feature store in a dictionary."""

    entities: dict[tuple[str, str], Entity] = field(default_factory=dict)

    def get(self, use_case: str, entity_ids: Sequence[str]) -> dict[str, Entity]:
        return {id_: self.entities[use_case, id_] for id_ in entity_ids if (use_case, id_) in self.entities}

    def put(self, use_case: str, entities: Iterable[Entity]) -> int:
        written = 0
        for entity in entities:
            known = self.entities.get((use_case, entity.entity_id))
            if known is None or known.event_time < entity.event_time:
                self.entities[use_case, entity.entity_id] = entity
                written += 1
        return written


@dataclass
class FakeMetrics:
    """Counts of requests in a list."""

    counts: list[RequestCount] = field(default_factory=list)

    def families(self) -> Sequence[Family]:
        return request_families(self.counts)

    def add_requests(self, counts: Sequence[RequestCount]) -> None:
        self.counts += counts


@dataclass
class FakeQueue:
    """A queue that keeps what it is sent."""

    sent: list[bytes] = field(default_factory=list)

    def send(self, body: bytes) -> None:
        self.sent.append(body)


def _place(prediction: Prediction) -> tuple[datetime, str]:
    return prediction.created_at, prediction.id


def _matches(prediction: Prediction, query: HistoryQuery) -> bool:
    filters = ("use_case", "source", "model_version", "prediction")
    return (
        all(getattr(query, name) in {None, getattr(prediction, name)} for name in filters)
        and (query.start is None or prediction.created_at >= query.start)
        and (query.end is None or prediction.created_at < query.end)
        and (query.cursor is None or _place(prediction) < (query.cursor.created_at, query.cursor.id))
    )


@dataclass
class FakeIngestions:
    """Verdicts in dictionaries."""

    verdicts: dict[str, Ingestion] = field(default_factory=dict)
    issues: dict[str, Sequence[Issue]] = field(default_factory=dict)
    bad_rows: dict[str, Sequence[BadRow]] = field(default_factory=dict)
    statistics: dict[str, Sequence[ColumnStatistics]] = field(default_factory=dict)
    alerts: dict[str, Alert] = field(default_factory=dict)
    rows_predicted: dict[str, set[int]] = field(default_factory=dict)
    predicted: dict[str, datetime] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)

    def find(self, file_id: str) -> Ingestion | None:
        return self.verdicts.get(file_id)

    def save(
        self,
        ingestion: Ingestion,
        issues: Sequence[Issue],
        bad_rows: Iterable[BadRow],
        statistics: Sequence[ColumnStatistics] = (),
        alerts: Sequence[Alert] = (),
    ) -> bool:
        known = self.verdicts.get(ingestion.file_id)
        if known is not None and known.status != "failed":
            return False
        self.bad_rows[ingestion.file_id] = list(bad_rows)
        self.verdicts[ingestion.file_id] = ingestion
        self.issues[ingestion.file_id] = issues
        self.statistics[ingestion.file_id] = statistics
        self._add(alerts)
        return True

    def finished(self, file_ids: Sequence[str]) -> set[str]:
        return {file_id for file_id in file_ids if (known := self.verdicts.get(file_id)) and known.report_key}

    def note_objects(self, file_id: str, keys: ObjectKeys) -> None:
        noted = replace(self.verdicts[file_id], good_key=keys.good, bad_key=keys.bad, report_key=keys.report)
        self.verdicts[file_id] = noted

    def to_predict(self, limit: int) -> Sequence[Ingestion]:
        done = [
            verdict
            for verdict in self.verdicts.values()
            if verdict.status == "done"
            and verdict.rows_good
            and verdict.good_key
            and verdict.file_id not in self.predicted
            and verdict.file_id not in self.errors
        ]
        return sorted(done, key=lambda verdict: (verdict.finished_at, verdict.file_id))[:limit]

    def bad_row_numbers(self, file_id: str) -> Sequence[int]:
        return sorted(row.row_number for row in self.bad_rows.get(file_id, ()))

    def predicted_rows(self, file_id: str) -> Sequence[int]:
        return sorted(self.rows_predicted.get(file_id, ()))

    def mark_predicted(self, file_id: str, at: datetime) -> None:
        self.predicted[file_id] = at

    def given_up(self) -> Sequence[Ingestion]:
        return [self.verdicts[file_id] for file_id in self.errors]

    def retry_predicting(self, file_id: str, alerts: Sequence[Alert]) -> None:
        del self.errors[file_id]
        self._add(alerts)

    def give_up_predicting(self, file_id: str, error: str, alerts: Sequence[Alert]) -> None:
        self.errors[file_id] = error
        self._add(alerts)

    def _add(self, alerts: Sequence[Alert]) -> None:
        for alert in alerts:
            self.alerts.setdefault(alert.id, alert)


@dataclass
class FakeOutbox:
    """Alerts in a dictionary, never leased."""

    alerts: dict[str, Alert] = field(default_factory=dict)

    def add(self, alerts: Sequence[Alert]) -> None:
        for alert in alerts:
            self.alerts.setdefault(alert.id, alert)

    def last(self, rule: str, subject: str) -> Alert | None:
        found = [alert for alert in self.alerts.values() if (alert.rule, alert.subject) == (rule, subject)]
        return max(found, key=lambda alert: alert.created_at, default=None)

    def claim_unsent(self, limit: int, max_attempts: int) -> Sequence[Alert]:
        unsent = [alert for alert in self.alerts.values() if not alert.sent_at and alert.attempts < max_attempts][
            :limit
        ]
        claimed = [replace(alert, attempts=alert.attempts + 1) for alert in unsent]
        self.alerts |= {alert.id: alert for alert in claimed}
        return claimed

    def note_delivered(self, alert_id: str, channels: Sequence[str]) -> None:
        self.alerts[alert_id] = replace(self.alerts[alert_id], delivered_to=tuple(channels))

    def mark_sent(self, alert_id: str, at: datetime) -> None:
        self.alerts[alert_id] = replace(self.alerts[alert_id], sent_at=at)


@dataclass
class FakeChannel:
    """Keeps notices; fails as often as told."""

    failures: int = 0
    sent: list[Notice] = field(default_factory=list)

    def send(self, notice: Notice) -> None:
        if self.failures:
            self.failures -= 1
            raise AlertDeliveryError("The channel is away.")
        self.sent.append(notice)


@dataclass
class FakeMarkers:
    """Markers in a dictionary; `now` is moved by the test."""

    now: datetime = datetime(2026, 1, 2, 12, tzinfo=UTC)
    claims: dict[str, Claim] = field(default_factory=dict)
    status: dict[str, str] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)

    def claim(self, file_id: str, owner: str, lease_seconds: int) -> Claim | None:
        last = self.claims.get(file_id, Claim(file_id, "", 0, 0, 0, self.now))
        if file_id in self.claims and (self.status[file_id] != "INPROGRESS" or last.lease_until >= self.now):
            return None
        until = self.now + timedelta(seconds=lease_seconds)
        claim = replace(last, owner=owner, fence=last.fence + 1, attempts=last.attempts + 1, lease_until=until)
        return self._hold(claim, "INPROGRESS")

    def advance(self, claim: Claim, next_row: int, lease_seconds: int) -> Claim:
        until = self.now + timedelta(seconds=lease_seconds)
        return self._hold(replace(self._held(claim), next_row=next_row, lease_until=until), "INPROGRESS")

    def complete(self, claim: Claim) -> None:
        self._hold(self._held(claim), "COMPLETED")

    def release(self, claim: Claim, error: str, *, final: bool) -> None:
        free = replace(self._held(claim), lease_until=datetime.min.replace(tzinfo=UTC))
        self._hold(free, "FAILED" if final else "INPROGRESS")
        self.errors[claim.file_id] = error

    def pause(self, claim: Claim) -> None:
        held = self._held(claim)
        free = replace(held, attempts=held.attempts - 1, lease_until=datetime.min.replace(tzinfo=UTC))
        self._hold(free, "INPROGRESS")

    def reopen(self, file_id: str) -> None:
        if file_id in self.claims:
            last = self.claims[file_id]
            free = replace(last, attempts=0, fence=last.fence + 1, lease_until=datetime.min.replace(tzinfo=UTC))
            self._hold(free, "INPROGRESS")

    def _held(self, claim: Claim) -> Claim:
        current = self.claims.get(claim.file_id)
        if current is None or current.fence != claim.fence or self.status[claim.file_id] != "INPROGRESS":
            raise LeaseLostError(claim.file_id)
        return current

    def _hold(self, claim: Claim, status: str) -> Claim:
        self.claims[claim.file_id] = claim
        self.status[claim.file_id] = status
        return claim


@dataclass
class FakeRuns:
    """Runs in a list."""

    stored: list[PredictionRun] = field(default_factory=list)

    def add(self, run: PredictionRun) -> None:
        self.stored.append(run)


@dataclass
class FakePredictionService:
    """Notes rows as predicted; `trouble` is asked before each call and may raise."""

    ingestions: FakeIngestions
    trouble: Callable[[str, Sequence[int]], None] = lambda _file_id, _rows: None
    asked: list[tuple[str, tuple[int, ...]]] = field(default_factory=list)
    records: dict[tuple[str, int], Features] = field(default_factory=dict)

    def predict(
        self,
        use_case: str,
        source: Source,
        records: Sequence[Features],
        file_id: str,
        row_numbers: Sequence[int],
    ) -> int:
        self.asked.append((file_id, tuple(row_numbers)))
        self.trouble(file_id, row_numbers)
        self.ingestions.rows_predicted.setdefault(file_id, set()).update(row_numbers)
        self.records |= {(file_id, n): record for n, record in zip(row_numbers, records, strict=True)}
        return len(records)


@dataclass
class FakeObjects:
    """Objects in a dictionary, all written at one moment; an object's ETag is its size."""

    objects: dict[str, bytes] = field(default_factory=dict)
    notes: dict[str, dict[str, str]] = field(default_factory=dict)
    written_at: datetime = datetime(2026, 1, 2, 11, tzinfo=UTC)

    def get(self, key: str) -> bytes:
        return self.objects[key]

    def put(self, key: str, body: bytes, content_type: str = "") -> None:
        self.objects[key] = body

    def put_new(
        self, key: str, body: bytes | BinaryIO, content_type: str = "", notes: Mapping[str, str] | None = None
    ) -> bool:
        if key in self.objects:
            return False
        self.notes[key] = dict(notes or {})
        self.objects[key] = body if isinstance(body, bytes) else body.read()
        return True

    def keys(self, prefix: str) -> Iterator[str]:
        yield from sorted(key for key in self.objects if key.startswith(prefix))

    def open(self, key: str, version_id: str | None = None) -> BinaryIO:
        return self.look(key).stream

    def look(self, key: str, version_id: str | None = None, *, offset: int = 0, etag: str = "") -> OpenObject:
        body = self.objects[key]
        if etag not in {"", str(len(body))}:
            raise KeyError(key)
        return OpenObject(BytesIO(body[offset:]), len(body), str(len(body)), self.written_at, self.notes.get(key, {}))


@dataclass
class FakeReferences:
    """References in a dictionary, by use case."""

    known: dict[str, Reference] = field(default_factory=dict)

    def get(self, use_case: str, version: str) -> Reference | None:
        return self.known.get(use_case)


@dataclass
class FakeLinks:
    """Links that say what they are for."""

    bucket: str

    def to_put(self, key: str, content_type: str) -> str:
        return f"https://{self.bucket}.test/{key}?put={content_type}"

    def to_get(self, key: str) -> str:
        return f"https://{self.bucket}.test/{key}?get"
