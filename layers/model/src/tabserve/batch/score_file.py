"""Score one file that is claimed, each row once, whatever breaks in between.

A file's predictions are the truth about how far it got: rows that have one are not asked for again. The marker only
keeps two workers from doing the same work. What a worker learns about a file is therefore written to the database
first and to the marker afterwards.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Literal

from tabserve.alerts.alert import Alert, AlertState, alert_id
from tabserve.alerts.ports import AlertOutbox
from tabserve.batch.ports import Claim, Markers, PendingFileStore, PredictionService
from tabserve.core.buckets import ObjectStore
from tabserve.core.catalog import Catalog
from tabserve.core.clock import Clock
from tabserve.core.errors import FileRejectedError, LeaseLostError, ModelError, TabserveError, UnavailableError
from tabserve.core.files import Ingestion
from tabserve.core.good_rows import GoodRows, Records, Row
from tabserve.core.records import Features, Origin
from tabserve.core.use_case import UseCase

GAVE_UP = "prediction_failed"
MAX_ATTEMPTS = 3
CHUNK = 1_000
LEASE_SECONDS = 120
SECONDS_PER_CHUNK = 40.0

Cause = Literal["file", "model", "outage"]


@dataclass(frozen=True, slots=True)
class ScheduledDependencies:
    """What scoring needs."""

    catalog: Catalog
    files: PendingFileStore
    markers: Markers
    good: ObjectStore
    service: PredictionService
    alerts: AlertOutbox
    clock: Clock
    new_id: Callable[[], str]


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


def score_file(
    deps: ScheduledDependencies, ingestion: Ingestion, claim: Claim, seconds_left: Callable[[], float]
) -> FileResult:
    """Score the file and settle its marker; where that cannot be done, its lease runs out by itself."""
    return _Work(deps, ingestion, claim, seconds_left).result()


class _Work:
    """One claimed file."""

    def __init__(
        self, deps: ScheduledDependencies, ingestion: Ingestion, claim: Claim, seconds_left: Callable[[], float]
    ) -> None:
        self._deps = deps
        self._ingestion = ingestion
        self._claim = claim
        self._seconds_left = seconds_left
        self._rows = 0
        self._refused: dict[int, str] = {}

    def result(self) -> FileResult:
        try:
            return self._attempt()
        except LeaseLostError:
            return self._result()
        except UnavailableError as error:
            return self._result(str(error), "outage")

    def _attempt(self) -> FileResult:
        try:
            self._deps.files.begin_predicting(self._ingestion.file_id, self._claim.fence)
            if self._claim.attempts > MAX_ATTEMPTS:
                return self._give_up(f"{MAX_ATTEMPTS} workers stopped without a word")
            return self._finish() if self._score() else self._pause()
        except LeaseLostError:
            raise
        except UnavailableError as error:
            return self._pause(str(error), "outage")
        except ModelError as error:
            return self._pause(str(error), "model")
        except Exception as error:  # noqa: BLE001  whatever a file makes go wrong, the others must go on
            return self._failed(str(error) if isinstance(error, TabserveError) else f"{type(error).__name__}: {error}")

    def _score(self) -> bool:
        """Ask for the rows that have no prediction; return False when time ran out before the end."""
        stored = frozenset(self._deps.files.predicted_rows(self._ingestion.file_id))
        use_case = self._deps.catalog.get(self._ingestion.use_case or "")
        place = 0
        with self._deps.good.open(self._ingestion.good_key or "") as stream:
            rows = GoodRows(stream)
            records = Records(use_case, rows.columns)
            numbered = iter(rows)
            while chunk := list(islice(numbered, CHUNK)):
                place += len(chunk)
                missing = [row for row in chunk if row[0] not in stored]
                if missing:
                    if self._seconds_left() < SECONDS_PER_CHUNK:
                        return False
                    self._ask(use_case, self._read(records, missing))
                    self._deps.markers.extend(self._claim, LEASE_SECONDS)
        if place != self._ingestion.rows_good:
            raise FileRejectedError("row_count", f"the good file has {place} rows, not {self._ingestion.rows_good}")
        return True

    def _read(self, records: Records, rows: Sequence[Row]) -> dict[int, Features]:
        """Return records by row number; a row that a newer definition cannot read is refused like any other."""
        readable = {}
        for number, cells in rows:
            try:
                readable[number] = records.read(cells)
            except ValueError as error:
                self._refused[number] = str(error)
        return readable

    def _ask(self, use_case: UseCase, rows: Mapping[int, Features]) -> None:
        if rows:
            origin = Origin(self._ingestion.file_id, tuple(rows), self._claim.fence)
            refused = self._deps.service.predict(use_case.name, list(rows.values()), origin)
            self._refused |= refused
            self._rows += len(rows) - len(refused)

    def _finish(self) -> FileResult:
        if self._refused:
            number, reason = next(iter(self._refused.items()))
            return self._failed(f"{len(self._refused)} rows are refused, row {number} because {reason}")
        file_id = self._ingestion.file_id
        stored = len(self._deps.files.predicted_rows(file_id))
        if stored != self._ingestion.rows_good:
            return self._failed(f"{stored} of {self._ingestion.rows_good} good rows have a prediction")
        self._deps.files.mark_predicted(file_id, self._claim.fence, self._deps.clock())
        self._deps.markers.complete(self._claim)
        return self._result(done=True)

    def _pause(self, error: str | None = None, cause: Cause | None = None) -> FileResult:
        self._deps.markers.pause(self._claim)
        return self._result(error, cause)

    def _failed(self, error: str) -> FileResult:
        if self._claim.attempts >= MAX_ATTEMPTS:
            return self._give_up(error)
        self._deps.markers.release(self._claim, error, final=False)
        return self._result(error, "file")

    def _give_up(self, error: str) -> FileResult:
        # The fence tells this time from another after the file was let try again.
        fence = self._claim.fence
        alert = gave_up(self._ingestion, "firing", f"fence {fence}", error, self._deps.clock())
        self._deps.files.give_up_predicting(self._ingestion.file_id, fence, error, [alert])
        self._deps.markers.release(self._claim, error, final=True)
        return self._result(error, "file", given_up=True)

    def _result(
        self, error: str | None = None, cause: Cause | None = None, *, done: bool = False, given_up: bool = False
    ) -> FileResult:
        ingestion = self._ingestion
        return FileResult(ingestion.file_id, ingestion.use_case or "", self._rows, done, error, cause, given_up)


def gave_up(ingestion: Ingestion, state: AlertState, cause: str, error: str | None, at: datetime) -> Alert:
    """Return the alert that a file's predictions have been given up, or are tried again."""
    return Alert(
        id=alert_id(GAVE_UP, ingestion.file_id, state, cause),
        rule=GAVE_UP,
        subject=ingestion.key,
        use_case=ingestion.use_case,
        state=state,
        severity="critical",
        payload={"use_case": ingestion.use_case, "file_id": ingestion.file_id, "error": error},
        created_at=at,
    )
