"""What judges raw files and keeps the verdicts."""

from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from datetime import datetime
from typing import BinaryIO, Protocol

from tabserve.domain.alert import Alert
from tabserve.domain.conservation import FileAccount
from tabserve.domain.quality import BadRow, ColumnStatistics, Ingestion, Issue, ObjectKeys, Split
from tabserve.domain.report import Report
from tabserve.domain.use_case import UseCase

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

    def to_predict(self, limit: int) -> Sequence[Ingestion]:
        """Return files whose good object is there and neither predicted nor given up.

        One of each use case in turn, of each its oldest first.
        """
        ...

    def predicted_rows(self, file_id: str) -> Sequence[int]:
        """Return the row numbers of a file that have a scheduled prediction of any version, ascending."""
        ...

    def begin_predicting(self, file_id: str, fence: int) -> None:
        """Note a claim once; raise LeaseLostError when there is a newer one, or nothing left to predict."""
        ...

    def mark_predicted(self, file_id: str, fence: int, at: datetime) -> None:
        """Note that every good row of a file has a prediction; raise LeaseLostError when there is a newer claim."""
        ...

    def given_up(self) -> Sequence[Ingestion]:
        """Return the files that are not tried again, oldest first."""
        ...

    def retry_predicting(self, file_id: str, alerts: Sequence[Alert]) -> None:
        """Let a file that was given up be predicted again, with the alerts that tell so, in one transaction.

        Whoever held it before does so no more.
        """
        ...

    def give_up_predicting(self, file_id: str, fence: int, error: str, alerts: Sequence[Alert]) -> None:
        """Note in one transaction why a file is not tried again, with the alerts that tell so.

        Raises LeaseLostError when there is a newer claim on the file.
        """
        ...


class Ledger(Protocol):
    """What is stored about files, counted."""

    def accounts(self) -> Sequence[FileAccount]:
        """Return one account per file that has a verdict or a prediction, by key."""
        ...
