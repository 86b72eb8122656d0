"""Good files arriving: S3 notifications in SQS messages, each message succeeding or failing by itself."""

import json
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_plus

from aws_lambda_powertools.metrics import MetricUnit

from tabserve.features.build import features_service
from tabserve.features.service import Filled, GoodFile, fill_features

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

NAMED_ROWS = 20
service = features_service()
log, metrics = service.log, service.metrics


@log.inject_lambda_context(clear_state=True)
@metrics.log_metrics
def handler(event: dict[str, Any], context: "LambdaContext") -> dict[str, list[dict[str, str]]]:
    """Store what the files of every message say about entities; return the messages to be delivered again."""
    seconds_left = lambda: context.get_remaining_time_in_millis() / 1000  # noqa: E731
    failed = [message["messageId"] for message in event["Records"] if not _succeeds(message, seconds_left)]
    metrics.add_metric("FailedMessages", MetricUnit.Count, len(failed))
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}


def _succeeds(message: Mapping[str, Any], seconds_left: Callable[[], float]) -> bool:
    try:
        for file in _good_files(json.loads(message["body"])):
            _note(file, fill_features(file, service.deps, seconds_left))
    except Exception:
        log.exception("features not stored", extra={"message_id": message["messageId"]})
        return False
    return True


def _note(file: GoodFile, filled: Filled) -> None:
    tally = filled.tally
    counts = {"rows": tally.rows, "stored": tally.stored, "older": tally.older, "refused": len(tally.refused)}
    about = {"key": file.key, "from_byte": file.offset, **counts}
    if filled.skipped or filled.malformed:
        write = log.error if filled.malformed else log.info
        write("good file left", extra={**about, "reason": filled.malformed or filled.skipped})
    else:
        log.info("features stored", extra={**about, "to_be_continued": filled.left is not None})
    if tally.refused:
        log.warning("rows refused", extra={"key": file.key, "rules": dict(islice(tally.refused.items(), NAMED_ROWS))})
    metrics.add_metric("FeatureFiles", MetricUnit.Count, 0 if file.offset or filled.skipped else 1)
    metrics.add_metric("FeaturesStored", MetricUnit.Count, tally.stored)
    metrics.add_metric("FeaturesOlder", MetricUnit.Count, tally.older)
    metrics.add_metric("FeatureRowsRefused", MetricUnit.Count, len(tally.refused))
    metrics.add_metric("MalformedGoodFiles", MetricUnit.Count, 1 if filled.malformed else 0)


def _good_files(notification: Mapping[str, Any]) -> Iterator[GoodFile]:
    """Yield the objects of an S3 notification or of a continuation; the test event that S3 sends first has none."""
    for record in notification.get("Records", ()):
        item = record["s3"]["object"]
        yield GoodFile(
            bucket=record["s3"]["bucket"]["name"],
            key=unquote_plus(item["key"]),
            etag=item.get("eTag", "").strip('"'),
            offset=item.get("offset", 0),
        )
