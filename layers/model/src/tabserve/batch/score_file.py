"""Score one file that is claimed, each row once, whatever breaks in between.

A file's predictions are the truth about how far it got: rows that have one are not asked for again. The marker only
keeps two workers from doing the same work. What a worker learns about a file is therefore written to the database
first and to the marker afterwards.

Nothing here grows with the file: its rows are read from a stream, and which of them have a prediction is asked for a
chunk at a time.
"""

from collections.abc import Generator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime, timedelta

from tabserve.alerts.alert import Alert, AlertState, alert_id
from tabserve.batch.ports import Cause, Claim, FileResult, ScheduledDependencies
from tabserve.core.chunks import chunks
from tabserve.core.errors import FileRejectedError, LeaseLostError, ModelError, TabserveError, UnavailableError
from tabserve.core.files import Ingestion
from tabserve.core.good_rows import GoodRows, Records, Row
from tabserve.core.records import Features, Origin

GAVE_UP = "prediction_failed"
MAX_ATTEMPTS = 3
CHUNK = 5_000  # as many as the prediction function takes
CHUNK_BYTES = 3_500_000  # of the 4.5 MB it takes, as the size is estimated
LEASE_SECONDS = 120
EXTEND_AFTER = timedelta(seconds=30)
SECONDS_PER_CHUNK = 40.0


@dataclass(frozen=True, slots=True)
class Chunk:
    """Rows to ask for in one call, their records by their numbers; none where all of a stretch have predictions."""

    records: Mapping[int, Features]


class FileInWork:
    """One file, claimed when its first chunk is asked for.

    Its trouble ends it, not the run: no method raises what the file or a service did wrong. All but `ask` belong to
    one thread.
    """

    def __init__(self, deps: ScheduledDependencies, ingestion: Ingestion, owner: str) -> None:
        self.ingestion = ingestion
        self.use_case = ingestion.use_case or ""
        self.is_large = ingestion.rows_good > CHUNK
        self.has_ended = False
        self.in_the_air = 0
        self._deps = deps
        self._owner = owner
        self._chunks = self._read()
        self._claim: Claim | None = None
        self._extended_at = deps.clock()
        self._is_complete = False
        self._trouble: Exception | None = None
        self._rows = 0
        self._refused = 0
        self._first_refused: tuple[int, str] | None = None

    def next_chunk(self) -> Chunk | None:
        """Return what to ask for next; the file has ended with its last one, in trouble, or where it is not ours."""
        if self.has_ended:
            return None
        try:
            return next(self._chunks)
        except StopIteration:
            self.has_ended = True
        except Exception as error:  # noqa: BLE001  whatever a file makes go wrong, the others must go on
            self._meet(error)
        return None

    def ask(self, chunk: Chunk) -> Mapping[int, str]:
        """Have a chunk predicted, in any thread; return and raise what the prediction service does."""
        numbers, fence = tuple(chunk.records), self._held.fence
        origin = Origin(self.ingestion.file_id, numbers, fence, self.ingestion.contract_sha256 or "")
        return self._deps.service.predict(self.use_case, list(chunk.records.values()), origin)

    def answered(self, chunk: Chunk, answer: "Future[Mapping[int, str]]") -> None:
        """Note what became of a chunk."""
        self.in_the_air -= 1
        try:
            refused = answer.result()
        except Exception as error:  # noqa: BLE001  it says what to do with the file
            self._meet(error)
        else:
            self._rows += len(chunk.records) - len(refused)
            self._refuse(refused)

    def keep(self) -> None:
        """Extend the lease when a part of it is over."""
        now = self._deps.clock()
        if self._claim is None or self._trouble or now - self._extended_at < EXTEND_AFTER:
            return
        try:
            self._deps.markers.extend(self._claim, LEASE_SECONDS)
            self._extended_at = now
        except Exception as error:  # noqa: BLE001  it says what to do with the file
            self._meet(error)

    def settle(self) -> FileResult | None:
        """Leave the file as it should be found; return None when it was never ours.

        Where that cannot be done, its lease runs out by itself.
        """
        self._chunks.close()
        try:
            return self._settled()
        except LeaseLostError:
            return self._result()
        except UnavailableError as error:
            return self._result(str(error), "outage")

    def _read(self) -> Generator[Chunk, None, None]:
        deps, file = self._deps, self.ingestion
        self._claim = deps.markers.claim(file.file_id, self._owner, LEASE_SECONDS, file.prediction_fence)
        if self._claim is None:
            return
        deps.files.begin_predicting(file.file_id, self._claim.fence)
        if self._claim.attempts > MAX_ATTEMPTS:
            raise TabserveError(f"{MAX_ATTEMPTS} workers stopped without a word")
        use_case = deps.catalog.judged_by(self.use_case, file.contract_sha256)
        predicted_until = deps.files.last_predicted_row(file.file_id)
        rows_read = 0
        with deps.good.open(file.good_key or "") as stream:
            rows = GoodRows(stream, use_case.format.delimiter)
            records = Records(use_case, rows.columns)
            pieces = chunks(rows, lambda row: records.size(row[1]), CHUNK_BYTES, CHUNK)
            for piece in pieces:
                rows_read += len(piece)
                if rows_read >= file.rows_good:
                    rows_read += sum(map(len, pieces))  # none, in what ingestion wrote
                    _require_rows(rows_read, file.rows_good)
                    self._is_complete = True
                    self.has_ended = True
                yield Chunk(self._records(records, self._unpredicted(piece, predicted_until)))
        _require_rows(rows_read, file.rows_good)

    def _unpredicted(self, rows: Sequence[Row], predicted_until: int) -> Sequence[Row]:
        first, last = rows[0][0], rows[-1][0]
        if first > predicted_until:
            return rows
        stored = frozenset(self._deps.files.predicted_rows(self.ingestion.file_id, first, last))
        return [row for row in rows if row[0] not in stored]

    def _records(self, records: Records, rows: Sequence[Row]) -> dict[int, Features]:
        """Return records by row number; a row that a newer definition cannot read is refused like any other."""
        readable = {}
        for number, cells in rows:
            try:
                readable[number] = records.read(cells)
            except ValueError as error:
                self._refuse({number: str(error)})
        return readable

    def _refuse(self, refused: Mapping[int, str]) -> None:
        self._refused += len(refused)
        self._first_refused = min([*refused.items(), *filter(None, [self._first_refused])], default=None)

    def _meet(self, error: Exception) -> None:
        self._trouble = self._trouble or error
        self.has_ended = True

    @property
    def _held(self) -> Claim:
        if self._claim is None:
            raise LeaseLostError(f"nobody claimed file {self.ingestion.file_id}")
        return self._claim

    def _settled(self) -> FileResult | None:
        error = self._trouble
        if self._claim is None:
            return None if error is None else self._result(str(error), "outage")
        if error is None:
            return self._finish() if self._is_complete else self._pause()
        if isinstance(error, LeaseLostError):
            return self._result()
        if isinstance(error, UnavailableError):
            return self._pause(str(error), "outage")
        if isinstance(error, ModelError):
            return self._pause(str(error), "model")
        return self._failed(str(error) if isinstance(error, TabserveError) else f"{type(error).__name__}: {error}")

    def _finish(self) -> FileResult:
        if self._first_refused:
            number, reason = self._first_refused
            return self._failed(f"{self._refused} rows are refused, row {number} because {reason}")
        file_id, good = self.ingestion.file_id, self.ingestion.rows_good
        stored = self._deps.files.count_predicted(file_id)
        if stored != good:
            return self._failed(f"{stored} of {good} good rows have a prediction")
        self._deps.files.mark_predicted(file_id, self._held.fence, self._deps.clock())
        self._deps.markers.complete(self._held)
        return self._result(done=True)

    def _pause(self, error: str | None = None, cause: Cause | None = None) -> FileResult:
        self._deps.markers.pause(self._held)
        return self._result(error, cause)

    def _failed(self, error: str) -> FileResult:
        if self._held.attempts >= MAX_ATTEMPTS:
            return self._give_up(error)
        self._deps.markers.release(self._held, error, final=False)
        return self._result(error, "file")

    def _give_up(self, error: str) -> FileResult:
        # The fence tells this time from another after the file was let try again.
        fence = self._held.fence
        alert = gave_up(self.ingestion, "firing", f"fence {fence}", error, self._deps.clock())
        self._deps.files.give_up_predicting(self.ingestion.file_id, fence, error, [alert])
        self._deps.markers.release(self._held, error, final=True)
        return self._result(error, "file", given_up=True)

    def _result(
        self, error: str | None = None, cause: Cause | None = None, *, done: bool = False, given_up: bool = False
    ) -> FileResult:
        return FileResult(self.ingestion.file_id, self.use_case, self._rows, done, error, cause, given_up)


def _require_rows(found: int, good: int) -> None:
    if found != good:
        raise FileRejectedError("row_count", f"the good file has {found} rows, not {good}")


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
