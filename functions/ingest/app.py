"""Raw files arriving: S3 notifications in SQS messages, each message succeeding or failing by itself."""

import json
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote_plus

from tabserve.application.ingest import ingest_file
from tabserve.bootstrap.ingest import ingest_service
from tabserve.domain.quality import Ingestion, RawFile
from tabserve.errors import TabserveError

service = ingest_service()


def handler(event: Mapping[str, Any], _context: object) -> dict[str, list[dict[str, str]]]:
    """Ingest the files of every message; return the messages to be delivered again."""
    failed = [message["messageId"] for message in event["Records"] if not _succeeds(message)]
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}


def _succeeds(message: Mapping[str, Any]) -> bool:
    try:
        for file in _raw_files(json.loads(message["body"])):
            verdict = ingest_file(file, service.deps)
            service.log.info("ingested", extra=_summary(verdict))
    except (TabserveError, ValueError, LookupError):
        service.log.exception("ingestion failed", message_id=message["messageId"])
        return False
    return True


def _summary(verdict: Ingestion) -> dict[str, object]:
    names = ("file_id", "key", "use_case", "status", "rows_total", "rows_good", "rows_bad", "criticality", "error")
    return {name: getattr(verdict, name) for name in names}


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
        )
