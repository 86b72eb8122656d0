"""Find what fell by the wayside: raw files whose event was lost."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Final

from tabserve.alerts.alert import Alert, AlertState, alert_id
from tabserve.alerts.ports import AlertOutbox
from tabserve.core.clock import Clock
from tabserve.core.events import raw_file_message
from tabserve.core.files import RawFile
from tabserve.core.queues import Queue
from tabserve.ingestion.ports import IngestionStore

if TYPE_CHECKING:
    from tabserve.ingestion.raw_bucket import S3RawBucket

RULE: Final = "raw_files_not_ingested"
SUBJECT: Final = "raw bucket"
# Younger files may still be on their way, and ingestion may take 15 minutes for one; older ones were queued often
# enough for a file that can be ingested at all.
FIRST_AFTER: Final = timedelta(minutes=20)
GIVEN_UP_AFTER: Final = timedelta(hours=1)
# S3 dates a large upload by its beginning: it may appear that much later than it says.
OVERLAP: Final = timedelta(days=1)
PIECE: Final = 1_000
NAMED: Final = 5


@dataclass(frozen=True, slots=True)
class SweepDependencies:
    """What sweeping needs."""

    raw: "S3RawBucket"
    ingestions: IngestionStore
    queue: Queue
    alerts: AlertOutbox
    clock: Clock


@dataclass(slots=True)
class Swept:
    """Which files were queued again, how many are lost for good, and what went wrong."""

    queued: list[RawFile] = field(default_factory=list)
    lost: int = 0
    errors: list[Exception] = field(default_factory=list)


def sweep(deps: SweepDependencies) -> Swept:
    """Queue raw files again that are not ingested, and alert when that does not help; one failing leaves the other.

    S3 cannot list by date, so every version is listed each time. Only those written since everything before was
    ingested are looked up in the database.
    """
    now = deps.clock()
    since = deps.ingestions.swept_until() - OVERLAP
    missing = list(not_ingested(deps.raw, deps.ingestions, before=now - FIRST_AFTER, since=since))
    swept = Swept()
    lost = [file for file, written_at in missing if written_at <= now - GIVEN_UP_AFTER]
    swept.lost = len(lost)
    with _kept(swept.errors):
        for file, written_at in missing:
            if written_at > now - GIVEN_UP_AFTER:
                deps.queue.send(raw_file_message(file))
                swept.queued.append(file)
    with _kept(swept.errors):
        _note_lost(lost, deps, now)
    with _kept(swept.errors):
        deps.ingestions.note_swept(min((written_at for _, written_at in missing), default=now - FIRST_AFTER))
    return swept


@contextmanager
def _kept(errors: list[Exception]) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # noqa: BLE001  the function raises it when everything else is done
        errors.append(error)


def not_ingested(
    raw: "S3RawBucket", ingestions: IngestionStore, before: datetime, since: datetime | None = None
) -> Iterator[tuple[RawFile, datetime]]:
    """Yield the raw files written between two times that ingestion has not finished, with when they were written."""
    files = (found for found in raw.files() if found[1] <= before and (since is None or found[1] >= since))
    while piece := list(islice(files, PIECE)):
        finished = ingestions.finished([file.file_id for file, _ in piece])
        yield from (found for found in piece if found[0].file_id not in finished)


def _note_lost(lost: Sequence[RawFile], deps: SweepDependencies, now: datetime) -> None:
    previous = deps.alerts.last(RULE, SUBJECT)
    state: AlertState = "firing" if lost else "resolved"
    if state == (previous.state if previous else "resolved"):
        return
    keys = ", ".join(file.key for file in lost[:NAMED])
    payload = {"files": len(lost), "such as": keys, "way out": "scripts/redrive.py"} if lost else {"files": 0}
    alert = Alert(alert_id(RULE, SUBJECT, state, now.isoformat()), RULE, SUBJECT, None, state, "high", payload, now)
    deps.alerts.add([alert])
