"""Raw files arriving: S3 notifications in SQS messages, each message succeeding or failing by itself."""

import json
import resource
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote_plus

from aws_lambda_powertools.metrics import MetricUnit

from tabserve.core.errors import UnavailableError
from tabserve.core.files import Ingestion, RawFile
from tabserve.ingestion.build import ingest_service
from tabserve.ingestion.service import ingest_file

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

# At this delivery, whatever is no outage becomes a verdict; the two deliveries left are for outages.
LAST_TRY: Final = 3

service = ingest_service()
log, metrics = service.log, service.metrics


@log.inject_lambda_context(clear_state=True)
@metrics.log_metrics
def handler(event: dict[str, Any], _context: "LambdaContext") -> dict[str, list[dict[str, str]]]:
    """Ingest the files of every message; return the messages to be delivered again."""
    failed = [message["messageId"] for message in event["Records"] if not _succeeds(message)]
    metrics.add_metric("FailedMessages", MetricUnit.Count, len(failed))
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}


def _succeeds(message: Mapping[str, Any]) -> bool:
    last_try = int(message.get("attributes", {}).get("ApproximateReceiveCount", 1)) >= LAST_TRY
    try:
        for file in _raw_files(json.loads(message["body"])):
            _note(_ingested(file, last_try))
    except Exception:
        log.exception("ingestion failed", extra={"message_id": message["messageId"]})
        return False
    return True


def _ingested(file: RawFile, last_try: bool) -> Ingestion:
    try:
        return ingest_file(file, service.deps)
    except UnavailableError:
        raise
    except Exception as error:
        if not last_try:
            raise
        log.exception("ingestion given up", extra={"file_id": file.file_id})
        return ingest_file(file, service.deps, broke=error)


def _note(verdict: Ingestion) -> None:
    names = ("file_id", "key", "use_case", "status", "rows_total", "rows_good", "rows_bad", "criticality", "error")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    log.info("ingested", extra={name: getattr(verdict, name) for name in names} | {"peak_memory_mb": peak})
    metrics.add_metric("IngestedFiles", MetricUnit.Count, 1)
    metrics.add_metric("GoodRows", MetricUnit.Count, verdict.rows_good)
    metrics.add_metric("BadRows", MetricUnit.Count, verdict.rows_bad)


def _raw_files(notification: Mapping[str, Any]) -> Iterator[RawFile]:
    """Yield the objects of an S3 notification; the test event that S3 sends first has none."""
    for record in notification.get("Records", ()):
        bucket, item = record["s3"]["bucket"], record["s3"]["object"]
        yield RawFile(
            bucket=bucket["name"],
            key=unquote_plus(item["key"]),
            etag=item.get("eTag", "").strip('"'),
            version_id=item.get("versionId"),
            size=item.get("size"),
            sequencer=item.get("sequencer"),
            written_at=datetime.fromisoformat(record["eventTime"]) if "eventTime" in record else None,
        )
