"""What the application needs from the outside, as Protocols; `adapters` implements them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, BinaryIO, Literal, Protocol

from tabserve.domain.alert import Alert, Notice
from tabserve.domain.conservation import FileAccount
from tabserve.domain.metrics import Family, RequestCount
from tabserve.domain.model import ModelMetadata
from tabserve.domain.prediction import (
    Entity,
    Features,
    HistoryQuery,
    Outcome,
    Page,
    PredictionBatch,
    Source,
    StoredReply,
    Value,
)
from tabserve.domain.quality import BadRow, ColumnStatistics, Ingestion, Issue, ObjectKeys, RawFile, Split
from tabserve.domain.report import Report
from tabserve.domain.use_case import UseCase

if TYPE_CHECKING:  # its NumPy is in no layer of the functions that only move rows
    from tabserve.domain.reference import Reference


class Clock(Protocol):
    """Tell the time."""

    def __call__(self) -> datetime:
        """Return now, UTC, with zone."""
        ...


class Catalog(Protocol):
    """The use cases that exist."""

    def names(self) -> Sequence[str]:
        """Return all names, sorted."""
        ...

    def get(self, name: str) -> UseCase:
        """Return one definition; raise UnknownUseCaseError."""
        ...


class Model(Protocol):
    """One loaded model version."""

    @property
    def version(self) -> str:
        """The registry's version name."""
        ...

    @property
    def model_sha256(self) -> str:
        """The `UseCase.model_sha256` it was trained on."""
        ...

    def probabilities(self, columns: Mapping[str, Sequence[Value]], rows: int) -> list[list[float]]:
        """Score validated features given by column; return shape (rows, classes) in the use case's class order."""
        ...


class Models(Protocol):
    """The models that answer requests."""

    def champion(self, use_case: UseCase) -> Model:
        """Return the version to serve now; raise NoModelError."""
        ...

    def reload(self, use_case: UseCase) -> Model:
        """Read the registry now and return the version to serve; raise NoModelError."""
        ...


@dataclass(frozen=True, slots=True)
class ModelCards:
    """What is known about a use case's registered versions, newest first, and which of them have a role."""

    versions: Sequence[ModelMetadata]
    champion: ModelMetadata | None
    challenger: ModelMetadata | None


class ModelRegistry(Protocol):
    """The registered model versions."""

    def cards(self, use_case: UseCase) -> ModelCards:
        """Return what is known about all versions."""
        ...


class References(Protocol):
    """What model versions are compared with."""

    def get(self, use_case: str, version: str) -> "Reference | None":
        """Return the reference of a version, if it has one."""
        ...


class ObjectLinks(Protocol):
    """Links to objects of one bucket that work for some minutes, for those who have no access themselves."""

    def to_put(self, key: str, content_type: str) -> str:
        """Return a link that writes one object with one PUT request."""
        ...

    def to_get(self, key: str) -> str:
        """Return a link that reads one object."""
        ...


class ObjectStore(Protocol):
    """A bucket or folder of immutable or replaceable objects."""

    def get(self, key: str) -> bytes:
        """Return an object's bytes; raise KeyError when there is none."""
        ...

    def put(self, key: str, body: bytes, content_type: str = ...) -> None:
        """Write or replace an object."""
        ...

    def put_new(self, key: str, body: bytes | BinaryIO, content_type: str = ...) -> bool:
        """Write an object, from memory or a seekable file, unless the key exists; return whether it was written."""
        ...

    def keys(self, prefix: str) -> Iterator[str]:
        """Yield all keys under a prefix, sorted."""
        ...

    def open(self, key: str, version_id: str | None = None) -> BinaryIO:
        """Stream an object; raise KeyError when there is none."""
        ...


@dataclass(frozen=True, slots=True)
class OpenObject:
    """An object being read: its bytes from some place on, its whole size, when it was written and what was noted."""

    stream: BinaryIO
    size: int
    etag: str
    written_at: datetime
    notes: Mapping[str, str]


class Bucket(ObjectStore, Protocol):
    """An object store that knows when objects were written and keeps notes beside them."""

    def put_new(
        self, key: str, body: bytes | BinaryIO, content_type: str = ..., notes: Mapping[str, str] | None = None
    ) -> bool:
        """Write an object with notes (ASCII, lower-case names) unless the key exists; return whether it was."""
        ...

    def look(self, key: str, version_id: str | None = None, *, offset: int = 0, etag: str = "") -> OpenObject:
        """Read an object from byte `offset` on; raise KeyError when there is none, or none of that `etag`."""
        ...


class PredictionStore(Protocol):
    """Where predictions are kept."""

    def add(self, *batches: PredictionBatch) -> None:
        """Store each batch wholly or not at all; a row of a file already stored for a version is left as it is."""
        ...

    def past(self, query: HistoryQuery) -> Page:
        """Read a page, newest first."""
        ...

    def reachable(self) -> bool:
        """Tell whether the store answers, without raising."""
        ...


class PredictionWriter(Protocol):
    """Stores predictions while other calls are answered."""

    async def add(self, batch: PredictionBatch) -> None:
        """Return when all of a batch is stored; raise UnavailableError."""
        ...


class ReplyStore(Protocol):
    """Where answers are kept to be repeated."""

    def add_once(self, batch: PredictionBatch, reply: StoredReply) -> StoredReply | None:
        """Store a batch and the reply under its key, all or none, in one round trip.

        When the key is taken, store nothing and return the reply stored first.
        """
        ...


class MetricStore(Protocol):
    """What is counted, over all instances."""

    def families(self) -> Sequence[Family]:
        """Count everything."""
        ...

    def add_requests(self, counts: Sequence[RequestCount]) -> None:
        """Add an instance's counts to everybody's."""
        ...


class GroundTruthStore(Protocol):
    """Where outcomes are kept."""

    def record(self, use_case: str, outcomes: Sequence[Outcome], at: datetime) -> list[bool]:
        """Store outcomes, the latest one of a prediction counting; return for each whether its prediction exists."""
        ...


class Queue(Protocol):
    """A queue that others read."""

    def send(self, body: bytes) -> None:
        """Send one message; raise UnavailableError."""
        ...


class FeatureStore(Protocol):
    """The latest features of entities."""

    def get(self, use_case: str, entity_ids: Sequence[str]) -> Mapping[str, Entity]:
        """Return those that are known, by id, in one round trip per 100."""
        ...

    def put(self, use_case: str, entities: Iterable[Entity]) -> int:
        """Store entities, the latest event time winning; return how many were stored."""
        ...


class RawBucket(Protocol):
    """Everything that has arrived."""

    def files(self) -> Iterator[tuple[RawFile, datetime]]:
        """Yield every version of every raw file and when it was written."""
        ...


class ReferenceColumns(Protocol):
    """What columns looked like when the model was trained."""

    def statistics(self, use_case: UseCase) -> Mapping[str, ColumnStatistics]:
        """Return the reference of the champion by column; empty where there is none."""
        ...


class ReportWriter(Protocol):
    """Writes what people read about a file."""

    def write(self, report: Report) -> bytes:
        """Return a self-contained page."""
        ...


class FileValidator(Protocol):
    """Judges every row of a raw file."""

    def split(self, raw: BinaryIO, use_case: UseCase, good: BinaryIO, bad: BinaryIO) -> Split:
        """Write the good object and the bad object of a raw file; raise FileRejectedError when it cannot be split.

        See `domain.quarantine` for the bad object; the good one is the header and the original lines of good rows.
        """
        ...


class IngestionStore(Protocol):
    """Where verdicts on raw files are kept."""

    def find(self, file_id: str) -> Ingestion | None:
        """Return the verdict on a file, if there is one."""
        ...

    def save(
        self,
        ingestion: Ingestion,
        issues: Sequence[Issue],
        bad_rows: Iterable[BadRow],
        statistics: Sequence[ColumnStatistics] = (),
        alerts: Sequence[Alert] = (),
    ) -> bool:
        """Store a verdict with everything that belongs to it in one transaction; return False when it was there.

        `bad_rows` is consumed once and may be large: write it in pieces. An alert whose id is there is left as it is.
        """
        ...

    def finished(self, file_ids: Sequence[str]) -> Set[str]:
        """Return those of the files that have a verdict whose objects are all there."""
        ...

    def note_objects(self, file_id: str, keys: ObjectKeys) -> None:
        """Note where the objects of a saved file are; before that nobody may look for them."""
        ...

    def to_predict(self, limit: int) -> Sequence[Ingestion]:
        """Return files whose good object is there and neither predicted nor given up, oldest first."""
        ...

    def bad_row_numbers(self, file_id: str) -> Sequence[int]:
        """Return the row numbers of a file's bad rows, ascending."""
        ...

    def predicted_rows(self, file_id: str) -> Sequence[int]:
        """Return the row numbers of a file that have a prediction of any version, ascending."""
        ...

    def mark_predicted(self, file_id: str, at: datetime) -> None:
        """Note that every good row of a file has a stored prediction."""
        ...

    def given_up(self) -> Sequence[Ingestion]:
        """Return the files that are not tried again, oldest first."""
        ...

    def retry_predicting(self, file_id: str, alerts: Sequence[Alert]) -> None:
        """Let a file that was given up be predicted again, with the alerts that tell so, in one transaction."""
        ...

    def give_up_predicting(self, file_id: str, error: str, alerts: Sequence[Alert]) -> None:
        """Note in one transaction why a file is not tried again, with the alerts that tell so."""
        ...


class AlertOutbox(Protocol):
    """Alerts to be sent: written with what they tell, sent afterwards, at least once."""

    def add(self, alerts: Sequence[Alert]) -> None:
        """Store alerts; one whose id is there is left as it is."""
        ...

    def last(self, rule: str, subject: str) -> Alert | None:
        """Return the latest transition of a rule on a subject."""
        ...

    def claim_unsent(self, limit: int, max_attempts: int) -> Sequence[Alert]:
        """Return unsent alerts, oldest first, with the attempt counted; no two workers get the same at a time."""
        ...

    def note_delivered(self, alert_id: str, channels: Sequence[str]) -> None:
        """Note which channels have got an alert, so that a retry leaves them alone."""
        ...

    def mark_sent(self, alert_id: str, at: datetime) -> None:
        """Note that an alert has reached everyone who wants it."""
        ...


class AlertChannel(Protocol):
    """One way to tell people about an alert."""

    def send(self, notice: Notice) -> None:
        """Deliver an alert; raise AlertDeliveryError."""
        ...


RunStatus = Literal["completed", "skipped", "failed"]


@dataclass(frozen=True, slots=True)
class PredictionRun:
    """One scheduled run."""

    id: str
    started_at: datetime
    finished_at: datetime
    status: RunStatus
    files: int
    rows: int
    error: str | None = None


class Ledger(Protocol):
    """What is stored about files, counted."""

    def accounts(self) -> Sequence[FileAccount]:
        """Return one account per file that has a verdict or a prediction, by key."""
        ...


class RunStore(Protocol):
    """Where scheduled runs are kept."""

    def add(self, run: PredictionRun) -> None:
        """Store one finished run."""
        ...


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to work on one file until `lease_until`; `fence` grows with every claim."""

    file_id: str
    owner: str
    fence: int
    attempts: int
    next_row: int
    lease_until: datetime


class Markers(Protocol):
    """Marks which good files are predicted, one worker at a time."""

    def claim(self, file_id: str, owner: str, lease_seconds: int) -> Claim | None:
        """Claim a file that nobody works on; return None when it is done, failed or held by another."""
        ...

    def advance(self, claim: Claim, next_row: int, lease_seconds: int) -> Claim:
        """Note the next row (0-based, of the good file) and extend the lease; raise LeaseLostError."""
        ...

    def complete(self, claim: Claim) -> None:
        """Mark the file as done; raise LeaseLostError."""
        ...

    def release(self, claim: Claim, error: str, *, final: bool) -> None:
        """Give the file back for another attempt, or mark it FAILED when `final`; raise LeaseLostError."""
        ...

    def pause(self, claim: Claim) -> None:
        """Give the file back for later without counting the attempt; raise LeaseLostError."""
        ...

    def reopen(self, file_id: str) -> None:
        """Let a settled file be claimed again, as if never tried; whoever held it before does so no more."""
        ...


class PredictionService(Protocol):
    """The prediction API, as its callers see it."""

    def predict(
        self,
        use_case: str,
        source: Source,
        records: Sequence[Features],
        file_id: str,
        row_numbers: Sequence[int],
    ) -> int:
        """Have rows of a file predicted and stored; return how many were.

        Raises PredictionServiceError when the API is away, ChunkRefusedError when it cannot answer these rows.
        """
        ...
