"""Find what fell by the wayside: raw files whose event was lost."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Final
from urllib.parse import quote_plus

from tabserve.application.ports.alerts import AlertOutbox
from tabserve.application.ports.clock import Clock
from tabserve.application.ports.ingestion import IngestionStore
from tabserve.application.ports.objects import RawBucket
from tabserve.application.ports.predictions import Queue
from tabserve.domain.alert import Alert, AlertState, alert_id
from tabserve.domain.quality import RawFile

RULE: Final = "raw_files_not_ingested"
SUBJECT: Final = "raw bucket"
# Younger files may still be on their way; older ones were queued often enough for a file that can be ingested at all.
FIRST_AFTER: Final = timedelta(minutes=10)
GIVEN_UP_AFTER: Final = timedelta(hours=1)
PIECE: Final = 1_000
NAMED: Final = 5


@dataclass(frozen=True, slots=True)
class SweepDependencies:
    """What sweeping needs."""

    raw: RawBucket
    ingestions: IngestionStore
    queue: Queue
    alerts: AlertOutbox
    clock: Clock


@dataclass(frozen=True, slots=True)
class Swept:
    """Which files were queued again, and how many are lost for good."""

    queued: Sequence[RawFile]
    lost: int


def sweep(deps: SweepDependencies) -> Swept:
    """Queue raw files without a verdict again and alert when that does not help."""
    now = deps.clock()
    missing = list(without_verdict(deps.raw, deps.ingestions, before=now - FIRST_AFTER))
    queued = [file for file, written_at in missing if written_at > now - GIVEN_UP_AFTER]
    lost = [file for file, written_at in missing if written_at <= now - GIVEN_UP_AFTER]
    for file in queued:
        deps.queue.send(notification(file))
    _tell(lost, deps, now)
    return Swept(queued, len(lost))


def without_verdict(raw: RawBucket, ingestions: IngestionStore, before: datetime) -> Iterator[tuple[RawFile, datetime]]:
    """Yield the raw files written before a time that ingestion has not finished, with when they were written."""
    files = (found for found in raw.files() if found[1] <= before)
    while piece := list(islice(files, PIECE)):
        finished = ingestions.finished([file.file_id for file, _ in piece])
        yield from (found for found in piece if found[0].file_id not in finished)


def notification(file: RawFile) -> bytes:
    """Return the message that S3 sends about a file."""
    item = {"key": quote_plus(file.key, safe="/"), "eTag": file.etag}
    if file.version_id:
        item["versionId"] = file.version_id
    record = {"eventSource": "aws:s3", "eventName": "ObjectCreated:Sweep"}
    if file.written_at:
        record["eventTime"] = file.written_at.isoformat()
    return json.dumps({"Records": [record | {"s3": {"bucket": {"name": file.bucket}, "object": item}}]}).encode()


def _tell(lost: Sequence[RawFile], deps: SweepDependencies, now: datetime) -> None:
    previous = deps.alerts.last(RULE, SUBJECT)
    state: AlertState = "firing" if lost else "resolved"
    if state == (previous.state if previous else "resolved"):
        return
    keys = ", ".join(file.key for file in lost[:NAMED])
    payload = {"files": len(lost), "such as": keys, "way out": "scripts/redrive.py"} if lost else {"files": 0}
    alert = Alert(alert_id(RULE, SUBJECT, state, now.isoformat()), RULE, SUBJECT, state, "high", payload, now)
    deps.alerts.add([alert])
