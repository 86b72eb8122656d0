"""What judges raw files and keeps the verdicts."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from datetime import datetime
from typing import BinaryIO, Protocol

from tabserve.alerts.alert import Alert
from tabserve.core.files import Ingestion, ObjectKeys, RawFile
from tabserve.core.use_case import UseCase
from tabserve.ingestion.reconciliation import FileAccount
from tabserve.ingestion.report_content import Report
from tabserve.ingestion.validation_result import BadRow, ColumnStatistics, Issue, Split

# Makes the alert a verdict means for its key, if it means one, out of the key's last alert.
AlertAfter = Callable[[Alert | None], Alert | None]


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

        See `domain.quarantine` for the bad object; the good one has the original lines of good rows, each behind its
        row number, see `domain.good_rows`.
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
    ) -> bool:
        """Store a verdict with everything that belongs to it in one transaction; return False when there was one.

        One that failed is replaced, and so is one of another contract or status whose objects were never noted.
        `bad_rows` is consumed once and may be large: write it in pieces.
        """
        ...

    def finished(self, file_ids: Sequence[str]) -> Set[str]:
        """Return those of the files that have a verdict whose objects are all there."""
        ...

    def swept_until(self) -> datetime:
        """Return a time before which every raw file had its verdict."""
        ...

    def note_swept(self, until: datetime) -> None:
        """Note that every raw file written before a time has its verdict."""
        ...

    def note_objects(self, ingestion: Ingestion, keys: ObjectKeys, alert_after: AlertAfter | None = None) -> bool:
        """Note where the objects of a saved verdict are, with the alert that leads to them, in one transaction.

        Before that nobody may look for them. A version of a key that a newer one was finished before means no alert.
        Return False when the file has another verdict by now.
        """
        ...


class Ledger(Protocol):
    """What is stored about files, counted."""

    def accounts(self) -> Sequence[FileAccount]:
        """Return one account per file that has a verdict or a prediction, by key."""
        ...


class RawBucket(Protocol):
    """Everything that has arrived."""

    def files(self) -> Iterator[tuple[RawFile, datetime]]:
        """Yield every version of every raw file and when it was written."""
        ...
