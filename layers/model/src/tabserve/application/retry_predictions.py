"""Let files that were given up be predicted again, after somebody has mended the cause."""

from collections.abc import Sequence

from tabserve.application.ports.clock import Clock
from tabserve.application.ports.ingestion import IngestionStore
from tabserve.application.ports.scheduling import Markers
from tabserve.domain.prediction_alerts import gave_up
from tabserve.domain.quality import Ingestion


def retry_given_up(ingestions: IngestionStore, markers: Markers, clock: Clock) -> Sequence[Ingestion]:
    """Reopen every file that was given up and resolve its alert; return the files."""
    files = ingestions.given_up()
    for file in files:
        now = clock()
        # The marker first: a file whose marker is open and whose error stands is not picked up, so it can be repeated.
        markers.reopen(file.file_id)
        alert = gave_up(file, "resolved", now.isoformat(), None, now)
        ingestions.retry_predicting(file.file_id, [alert])
    return files
