"""Predictions: what goes into a model, what comes out, and how one is told apart from another."""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache, cached_property
from hashlib import sha256
from itertools import repeat
from operator import indexOf

import orjson

from tabserve.core.records import Features, Source, Value

IDS_A_MILLISECOND = 4096


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


@dataclass(frozen=True)
class PredictionBatch:
    """The answers of one model version to one request, kept by column; iterating makes each a Prediction.

    `ids`, `columns`, `probabilities` (shape (rows, classes)), `entity_ids` and `row_numbers` have one entry a row.
    """

    request_id: str
    use_case: str
    model_version: str
    source: Source
    created_at: datetime
    ids: Sequence[str]
    classes: Sequence[str]
    positive: int | None
    columns: Mapping[str, Sequence[Value]]
    probabilities: Sequence[Sequence[float]]
    entity_ids: Sequence[str | None]
    file_id: str | None = None
    row_numbers: Sequence[int] | None = None

    @cached_property
    def chosen(self) -> Sequence[int]:
        """The index of each row's most probable class; the first one where several are."""
        if len(self.classes) == 2:
            return [int(second > first) for first, second in self.probabilities]
        return list(map(indexOf, self.probabilities, map(max, self.probabilities)))

    @cached_property
    def confidences(self) -> Sequence[float]:
        """Each row's probability of the positive class, or of the chosen class when there is no positive one."""
        if self.positive is None:
            return [max(row) for row in self.probabilities]
        return [row[self.positive] for row in self.probabilities]

    @cached_property
    def by_class(self) -> Sequence[str]:
        """Each row's probabilities by class: the JSON text that is stored and answered."""
        return objects(self.classes, self.probabilities)

    def __len__(self) -> int:
        return len(self.probabilities)

    def __iter__(self) -> Iterator[Prediction]:
        for row, id_ in enumerate(self.ids):
            yield Prediction(
                id=id_,
                request_id=self.request_id,
                use_case=self.use_case,
                model_version=self.model_version,
                source=self.source,
                created_at=self.created_at,
                features={name: values[row] for name, values in self.columns.items()},
                prediction=self.classes[self.chosen[row]],
                probability=self.confidences[row],
                probabilities=dict(zip(self.classes, self.probabilities[row], strict=True)),
                entity_id=self.entity_ids[row],
                file_id=self.file_id,
                row_number=self.row_numbers[row] if self.row_numbers else None,
            )


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
    prediction: str | None = None
    entity_id: str | None = None
    prediction_id: str | None = None
    limit: int = 100
    cursor: Cursor | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """Stored predictions and where the next page begins; no cursor on the last page."""

    predictions: Sequence[Prediction] = field(default_factory=tuple)
    next_cursor: Cursor | None = None

    def first(self, count: int) -> "Page":
        """Return the first predictions, at least one fewer than there are, and where the rest begins."""
        last = self.predictions[count - 1]
        return Page(self.predictions[:count], Cursor(last.created_at, last.id))


def objects(names: Iterable[str], rows: Iterable[Sequence[Value]]) -> list[str]:
    """Return one JSON object a row of values."""
    return [orjson.dumps(row).decode() for row in map(dict, map(zip, repeat(tuple(names)), rows))]


def new_ids(at: datetime, count: int) -> Sequence[str]:
    """Return new ids (UUID version 7) in ascending order; ids that grow with time keep indexes small and fast.

    A call's ids share 12 random bits; a counter and 48 random bits of its own tell each from the others.
    """
    start = int(at.timestamp() * 1000)
    shared = os.urandom(2).hex()[1:]
    tails = os.urandom(6 * count).hex("-", 6).split("-") if count else []
    ids: list[str] = []
    for milliseconds, first in enumerate(range(0, count, IDS_A_MILLISECOND), start):
        head = f"{milliseconds >> 16:08x}-{milliseconds & 0xFFFF:04x}-7"
        ids += [f"{head}{row}-8{shared}-{tail}" for row, tail in zip(_counters(), tails[first:], strict=False)]
    return ids


@cache
def _counters() -> Sequence[str]:
    return [f"{row:03x}" for row in range(IDS_A_MILLISECOND)]


@dataclass(frozen=True, slots=True)
class StoredReply:
    """The answer to the first request under an idempotency key, repeated to every other one with the same body."""

    key: str
    use_case: str
    body_sha256: str
    response: bytes
    created_at: datetime


@dataclass(frozen=True, slots=True)
class GroundTruth:
    """What really happened, for one prediction or for the latest prediction about one entity."""

    actual: str
    prediction_id: str | None = None
    entity_id: str | None = None


def row_ids(file_id: str, row_numbers: Sequence[int], model_version: str) -> Sequence[str]:
    """Return the one id (UUID version 8) that a model version's answer to each row of a file can have.

    The ids of a file stand beside each other in the order of its rows, as an index likes them: 88 bits of a hash tell
    files and versions apart, 32 bits are the row's number.
    """
    name = sha256(f"{file_id}/{model_version}".encode()).hexdigest()
    start = f"{name[:8]}-{name[8:12]}-8{name[12:15]}-8{name[15:18]}-{name[18:22]}"
    return [f"{start}{number:08x}" for number in row_numbers]
