"""Where ingestion keeps what it finds out."""

from collections.abc import Callable, Iterable, Sequence, Set
from datetime import datetime
from typing import Protocol

from tabserve.alerts.alert import Alert
from tabserve.core.files import Ingestion
from tabserve.ingestion.validation_result import BadRow, ColumnStatistics, Issue

# Makes the alert that a file means for its key, if it means one, out of the key's last alert.
AlertAfter = Callable[[Alert | None], Alert | None]


class IngestionStore(Protocol):
    """Where ingestion keeps what it found out."""

    def find(self, file_id: str) -> Ingestion | None:
        """Return what was found out about a file, if it was ingested."""

    def save(
        self,
        ingestion: Ingestion,
        issues: Sequence[Issue],
        bad_rows: Iterable[BadRow],
        statistics: Sequence[ColumnStatistics] = (),
    ) -> bool:
        """Store a file with everything that belongs to it in one transaction; return False when it was there.

        An ingestion that failed is replaced, and so is one of another contract or status without objects.
        `bad_rows` is consumed once and may be large: write it in pieces.
        """

    def finished(self, file_ids: Sequence[str]) -> Set[str]:
        """Return those of the files that are ingested and have all their objects."""

    def swept_until(self) -> datetime:
        """Return a time before which every raw file was ingested."""

    def note_swept(self, until: datetime) -> None:
        """Note that every raw file written before a time is ingested."""

    def note_objects(self, ingestion: Ingestion, alert_after: AlertAfter | None = None) -> bool:
        """Note where the objects of a saved file are, with the alert that leads to them, in one transaction.

        Before that nobody may look for them. There is no alert on a version of a key when a newer one is finished.
        Return False when the file was ingested otherwise meanwhile.
        """
