"""Ports implemented in memory, for unit tests."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from tabserve.application.ports import ModelCards
from tabserve.domain.alert import Alert
from tabserve.domain.prediction import Cursor, HistoryQuery, Page, Prediction, Value
from tabserve.domain.quality import BadRow, ColumnStatistics, Ingestion, Issue, ObjectKeys
from tabserve.domain.use_case import UseCase
from tabserve.errors import DatabaseUnavailableError


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
    away: bool = False

    def add(self, predictions: Sequence[Prediction]) -> None:
        self._must_be_there()
        for prediction in predictions:
            self.stored.setdefault(prediction.id, prediction)

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


def _place(prediction: Prediction) -> tuple[datetime, str]:
    return prediction.created_at, prediction.id


def _matches(prediction: Prediction, query: HistoryQuery) -> bool:
    wanted = {"use_case": query.use_case, "source": query.source, "model_version": query.model_version}
    return (
        all(value is None or getattr(prediction, name) == value for name, value in wanted.items())
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
    predicted: dict[str, datetime] = field(default_factory=dict)
    given_up: dict[str, str] = field(default_factory=dict)

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
            and verdict.file_id not in self.given_up
        ]
        return sorted(done, key=lambda verdict: (verdict.finished_at, verdict.file_id))[:limit]

    def bad_row_numbers(self, file_id: str) -> Sequence[int]:
        return sorted(row.row_number for row in self.bad_rows.get(file_id, ()))

    def mark_predicted(self, file_id: str, at: datetime) -> None:
        self.predicted[file_id] = at

    def give_up_predicting(self, file_id: str, error: str, alerts: Sequence[Alert]) -> None:
        self.given_up[file_id] = error
        self._add(alerts)

    def _add(self, alerts: Sequence[Alert]) -> None:
        for alert in alerts:
            self.alerts.setdefault(alert.id, alert)
