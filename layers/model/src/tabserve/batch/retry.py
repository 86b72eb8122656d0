"""Let files that were given up be predicted again, after somebody has mended the cause."""

from collections.abc import Sequence

from tabserve.batch.file_alerts import gave_up
from tabserve.batch.ports import Markers, PendingFileStore
from tabserve.core.clock import Clock
from tabserve.core.files import Ingestion


def retry_given_up(files: PendingFileStore, markers: Markers, clock: Clock) -> Sequence[Ingestion]:
    """Reopen every file that was given up and resolve its alert; return the files."""
    given_up = files.given_up()
    for file in given_up:
        now = clock()
        # The marker first: a file whose marker is open and whose error stands is not picked up, so it can be repeated.
        markers.reopen(file.file_id)
        alert = gave_up(file, "resolved", now.isoformat(), None, now)
        files.retry_predicting(file.file_id, [alert])
    return given_up
