"""Predictions: what goes into a model, what comes out, and how one is told apart from another."""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from hashlib import sha256

from tabserve.core.records import AnswerRole, BesideRole, Features, Source, Value
from tabserve.serving.answers import ClassAnswers, NumberAnswers

IDS_A_MILLISECOND = 4096


@dataclass(frozen=True, slots=True)
class Prediction:
    """One stored answer of one model version to one record: a class, or a number with its interval."""

    id: str
    request_id: str
    use_case: str
    model_version: str
    source: Source
    created_at: datetime
    features: Features
    prediction: str
    probability: float | None = None
    probabilities: Mapping[str, float] | None = None
    value: float | None = None
    low: float | None = None
    high: float | None = None
    entity_id: str | None = None
    file_id: str | None = None
    row_number: int | None = None
    role: AnswerRole = "champion"


@dataclass(frozen=True)
class BesideBatch:
    """What a challenger says beside the answers to a request, by column; `ids` are those of the answers' rows."""

    role: BesideRole
    model_version: str
    ids: Sequence[str]
    answers: ClassAnswers | NumberAnswers


@dataclass(frozen=True)
class PredictionBatch:
    """The answers of one model version to one request, kept by column; iterating makes each a Prediction.

    `ids`, `columns`, `answers`, `entity_ids` and `row_numbers` have one entry a row. Rows of the same request that a
    canary answers are the `canary` beside it, and count as rows of this batch. A shadow answers nothing.
    """

    request_id: str
    use_case: str
    model_version: str
    source: Source
    created_at: datetime
    ids: Sequence[str]
    columns: Mapping[str, Sequence[Value]]
    answers: ClassAnswers | NumberAnswers
    entity_ids: Sequence[str | None]
    file_id: str | None = None
    row_numbers: Sequence[int] | None = None
    role: AnswerRole = "champion"
    canary: "PredictionBatch | None" = None
    shadow: BesideBatch | None = None

    def __len__(self) -> int:
        return len(self.ids) if self.canary is None else len(self.ids) + len(self.canary)

    def __iter__(self) -> Iterator[Prediction]:
        yield from self._own()
        if self.canary is not None:
            yield from self.canary

    @property
    def parts(self) -> Sequence["PredictionBatch"]:
        """The batch and its canary's rows, each of one version."""
        return [self] if self.canary is None else [self, self.canary]

    def beside(self) -> Iterator[dict[str, object]]:
        """Yield what a challenger says beside the answers, by the names of its table's columns."""
        if shadow := self.shadow:
            said = {"use_case": self.use_case, "created_at": self.created_at}
            said |= {"model_version": shadow.model_version, "role": shadow.role}
            for row, id_ in enumerate(shadow.ids):
                yield {**said, "prediction_id": id_, **shadow.answers.stored(row)}

    def _own(self) -> Iterator[Prediction]:
        for row, id_ in enumerate(self.ids):
            yield Prediction(
                id=id_,
                request_id=self.request_id,
                use_case=self.use_case,
                model_version=self.model_version,
                source=self.source,
                created_at=self.created_at,
                features={name: values[row] for name, values in self.columns.items()},
                **self.answers.stored(row),
                entity_id=self.entity_ids[row],
                file_id=self.file_id,
                row_number=self.row_numbers[row] if self.row_numbers else None,
                role=self.role,
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
