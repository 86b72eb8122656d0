"""Predictions and what they are made from, in memory."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from tabserve.core.entities import Entity
from tabserve.core.errors import DatabaseUnavailableError, LeaseLostError
from tabserve.serving.metrics import Family, RequestCount, request_families
from tabserve.serving.prediction import (
    Cursor,
    GroundTruth,
    HistoryQuery,
    Page,
    Prediction,
    PredictionBatch,
    StoredReply,
)
from tabserve.serving.trial import ScoringCount


@dataclass
class FakePredictions:
    """Predictions in a list; `unavailable` plays a database that cannot be reached."""

    stored: dict[str, Prediction] = field(default_factory=dict)
    replies: dict[str, StoredReply] = field(default_factory=dict)
    truths: dict[str, str] = field(default_factory=dict)
    counts: list[RequestCount] = field(default_factory=list)
    scored: list[tuple[datetime, ScoringCount]] = field(default_factory=list)
    beside: list[Mapping[str, Any]] = field(default_factory=list)
    fences: dict[str, int] = field(default_factory=dict)
    unavailable: bool = False

    def add(self, *batches: PredictionBatch) -> None:
        self._must_be_there()
        for batch in batches:
            self._store(batch, {prediction.id for prediction in batch} - self.stored.keys())

    def add_of_file(self, batch: PredictionBatch, fence: int) -> None:
        self._must_be_there()
        if self.fences.get(batch.file_id or "", 0) > fence:
            raise LeaseLostError(str(batch.file_id))
        self.fences[batch.file_id or ""] = fence
        known = {(p.file_id, p.row_number) for p in self.stored.values() if p.source == "scheduled"}
        self._store(batch, {p.id for p in batch if (p.file_id, p.row_number) not in known})

    def add_once(self, batch: PredictionBatch, reply: StoredReply) -> StoredReply | None:
        self._must_be_there()
        if first := self.replies.get(reply.key):
            return first
        self.replies[reply.key] = reply
        self.add(batch)
        return None

    def _store(self, batch: PredictionBatch, new: set[str]) -> None:
        self.stored |= {prediction.id: prediction for prediction in batch if prediction.id in new}
        self.beside += [each for each in batch.beside() if each["prediction_id"] in new]

    def find_reply(self, key: str) -> StoredReply | None:
        self._must_be_there()
        return self.replies.get(key)

    def record_ground_truth(self, use_case: str, truths: Sequence[GroundTruth], at: datetime) -> list[bool]:
        self._must_be_there()
        return [self._record(use_case, truth) for truth in truths]

    def _record(self, use_case: str, truth: GroundTruth) -> bool:
        own = [p for p in self.stored.values() if p.use_case == use_case]
        if truth.prediction_id:
            about = [p for p in own if p.id == truth.prediction_id]
        else:
            about = sorted((p for p in own if p.entity_id == truth.entity_id), key=_place)
        for prediction in about[-1:]:
            self.truths[prediction.id] = truth.actual
        return bool(about)

    def families(self) -> Sequence[Family]:
        self._must_be_there()
        return request_families(self.counts)

    def add_requests(self, counts: Sequence[RequestCount]) -> None:
        self._must_be_there()
        self.counts += counts

    def past(self, query: HistoryQuery) -> Page:
        self._must_be_there()
        found = sorted((p for p in self.stored.values() if _matches(p, query)), key=_place, reverse=True)
        page, rest = found[: query.limit], found[query.limit :]
        return Page(page, Cursor(*_place(page[-1])) if rest else None)

    def add_scoring(self, counts: Sequence[ScoringCount], minute: datetime) -> None:
        self._must_be_there()
        self.scored += [(minute, count) for count in counts]

    def scoring(self, use_case: str, trial: int, since: datetime) -> Sequence[ScoringCount]:
        self._must_be_there()
        found: dict[tuple[str, float], ScoringCount] = {}
        for at, each in self.scored:
            if (each.use_case, each.trial) == (use_case, trial) and at >= since:
                key = (each.role, each.bucket)
                found[key] = _sum(found[key], each) if key in found else each
        return list(found.values())

    def reachable(self) -> bool:
        return not self.unavailable

    def _must_be_there(self) -> None:
        if self.unavailable:
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
class FakeQueue:
    """A queue that keeps what it is sent."""

    sent: list[bytes] = field(default_factory=list)

    def send(self, body: bytes) -> None:
        self.sent.append(body)


def _sum(one: ScoringCount, other: ScoringCount) -> ScoringCount:
    names = ("calls", "failures", "rows", "seconds")
    return replace(one, **{name: getattr(one, name) + getattr(other, name) for name in names})


def _place(prediction: Prediction) -> tuple[datetime, str]:
    return prediction.created_at, prediction.id


def _matches(prediction: Prediction, query: HistoryQuery) -> bool:
    filters = ("use_case", "source", "model_version", "prediction", "entity_id")
    return (
        all(getattr(query, name) in {None, getattr(prediction, name)} for name in filters)
        and query.prediction_id in {None, prediction.id}
        and (query.start is None or prediction.created_at >= query.start)
        and (query.end is None or prediction.created_at < query.end)
        and (query.cursor is None or _place(prediction) < (query.cursor.created_at, query.cursor.id))
    )
