"""What scheduled runs work with."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from tabserve.alerts.alert import Alert
from tabserve.alerts.ports import AlertOutbox
from tabserve.core.buckets import ObjectStore
from tabserve.core.catalog import Catalog
from tabserve.core.clock import Clock
from tabserve.core.files import Ingestion
from tabserve.core.records import Features, Origin

RunStatus = Literal["completed", "skipped", "failed"]
Cause = Literal["file", "model", "outage"]


@dataclass(frozen=True, slots=True)
class FileResult:
    """What a run did to one file; neither done nor an error: it goes on in the next run.

    The cause of an error is the file itself, its use case's missing model, or an outage that met it.
    """

    file_id: str
    use_case: str
    rows: int = 0
    done: bool = False
    error: str | None = None
    cause: Cause | None = None
    given_up: bool = False


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


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to work on one file for as long as its lease; `fence` grows with every claim."""

    file_id: str
    fence: int
    attempts: int


class Markers(Protocol):
    """Marks which good files are predicted, one worker at a time."""

    def claim(self, file_id: str, owner: str, lease_seconds: int, floor: int = 0) -> Claim | None:
        """Claim a file that nobody works on; return None when it is done, failed or held by another.

        The fence is above `floor`, the newest one the database knows of, even when the markers were lost.
        """

    def extend(self, claim: Claim, lease_seconds: int) -> None:
        """Begin the lease anew, after work that took its time; raise LeaseLostError."""

    def complete(self, claim: Claim) -> None:
        """Mark the file as done; raise LeaseLostError."""

    def release(self, claim: Claim, error: str, *, final: bool) -> None:
        """Give the file back for another attempt, or mark it FAILED when `final`; raise LeaseLostError."""

    def pause(self, claim: Claim) -> None:
        """Give the file back for later without counting the attempt; raise LeaseLostError."""

    def reopen(self, file_id: str) -> None:
        """Let a settled file be claimed again, as if never tried; whoever held it before does so no more."""


class PredictionService(Protocol):
    """The prediction function as the scheduled one sees it."""

    def predict(self, use_case: str, records: Sequence[Features], origin: Origin) -> Mapping[int, str]:
        """Have rows of a file predicted and stored; return why the others were refused, by row number.

        Raises PredictionServiceError when the function is unavailable, ModelError when the use case has no usable
        model, LeaseLostError when there is a newer claim on the file.
        """


class PendingFileStore(Protocol):
    """Which good files wait for predictions, who works on them, and what scheduled runs have done."""

    def to_predict(self, limit: int) -> Sequence[Ingestion]:
        """Return files whose good object is there and neither predicted nor given up.

        One of each use case in turn, of each its oldest first.
        """

    def last_predicted_row(self, file_id: str) -> int:
        """Return the largest row number of a file that has a scheduled prediction of any version; 0 when none has."""

    def predicted_rows(self, file_id: str, first: int, last: int) -> Sequence[int]:
        """Return the row numbers of a file, of `first` to `last`, that have a scheduled prediction of any version."""

    def count_predicted(self, file_id: str) -> int:
        """Count the rows of a file that have a scheduled prediction of any version."""

    def begin_predicting(self, file_id: str, fence: int) -> None:
        """Note a claim once; raise LeaseLostError when there is a newer one, or nothing left to predict."""

    def mark_predicted(self, file_id: str, fence: int, at: datetime) -> None:
        """Note that every good row of a file has a prediction; raise LeaseLostError when there is a newer claim."""

    def give_up_predicting(self, file_id: str, fence: int, error: str, alerts: Sequence[Alert]) -> None:
        """Note in one transaction why a file is not tried again, with its alerts.

        Raises LeaseLostError when there is a newer claim on the file.
        """

    def given_up(self) -> Sequence[Ingestion]:
        """Return the files that are not tried again, oldest first."""

    def retry_predicting(self, file_id: str, alerts: Sequence[Alert]) -> None:
        """Let a file that was given up be predicted again, with its alerts, in one transaction.

        Whoever held it before does so no more.
        """

    def add_run(self, run: PredictionRun) -> None:
        """Store one finished run."""


@dataclass(frozen=True, slots=True)
class ScheduledDependencies:
    """What scoring needs; `run_again` takes a function and a hop, so many `calls` may be in the air at once."""

    catalog: Catalog
    files: PendingFileStore
    markers: Markers
    good: ObjectStore
    service: PredictionService
    alerts: AlertOutbox
    clock: Clock
    new_id: Callable[[], str]
    run_again: Callable[[str, int], None]
    calls: int = 1
