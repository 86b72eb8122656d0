"""Predictions: what goes into a model, what comes out, and how one is told apart from another."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

Source = Literal["webapp", "scheduled", "api", "queue"]

Value = str | float | int | None
Features = Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class FailureCase:
    """One rule broken by one value."""

    column: str
    rule: str
    message: str


@dataclass(frozen=True, slots=True)
class Origin:
    """The rows of a raw file that a request's records come from."""

    file_id: str
    row_numbers: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Prediction:
    """One stored answer of one model version to one record."""

    id: str
    request_id: str
    use_case: str
    model_version: str
    source: Source
    created_at: datetime
    features: Features
    prediction: str
    probability: float
    probabilities: Mapping[str, float]
    entity_id: str | None = None
    file_id: str | None = None
    row_number: int | None = None


@dataclass(frozen=True, slots=True)
class Cursor:
    """The last row of a page: predictions are ordered by time, then id, newest first."""

    created_at: datetime
    id: str


@dataclass(frozen=True, slots=True)
class HistoryQuery:
    """Which stored predictions to read; `start` is included, `end` is not."""

    use_case: str | None = None
    source: Source | None = None
    start: datetime | None = None
    end: datetime | None = None
    model_version: str | None = None
    limit: int = 100
    cursor: Cursor | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """Stored predictions and where the next page begins; no cursor on the last page."""

    predictions: Sequence[Prediction] = field(default_factory=tuple)
    next_cursor: Cursor | None = None


def prediction_id(model_version: str, file_id: str | None, row_number: int | None) -> str:
    """Return a new id, or, for a row of a file, the one id this version's answer to that row can have."""
    if file_id is None:
        return str(uuid.uuid4())
    return str(uuid.uuid5(uuid.NAMESPACE_OID, f"{file_id}/{row_number}/{model_version}"))
