"""Raw files arriving: S3 notifications in SQS messages, each message succeeding or failing by itself."""

import resource
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from tabserve.core.errors import UnavailableError
from tabserve.core.events import raw_files
from tabserve.core.files import Ingestion, RawFile
from tabserve.core.service import seconds_left
from tabserve.ingestion.build import ingest_service
from tabserve.ingestion.service import ingest_file

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

# At this delivery every error but an outage makes the file a failed one; the two deliveries left are for outages.
LAST_TRY: Final = 3

service = ingest_service()


@service.log.inject_lambda_context(clear_state=True)
@service.metrics.log_metrics
def handler(event: dict[str, Any], context: "LambdaContext") -> dict[str, list[dict[str, str]]]:
    """Ingest the files of every message; return the messages to be delivered again."""
    return service.each_message(event, lambda message: _ingest(message, seconds_left(context)), "ingestion failed")


def _ingest(message: Mapping[str, Any], time_left: Callable[[], float]) -> None:
    last_try = int(message.get("attributes", {}).get("ApproximateReceiveCount", 1)) >= LAST_TRY
    for file in raw_files(message["body"]):
        _report(_ingested(file, last_try, time_left))


def _ingested(file: RawFile, last_try: bool, time_left: Callable[[], float]) -> Ingestion:
    try:
        return ingest_file(file, service.deps, seconds_left=time_left)
    except UnavailableError:
        raise
    except Exception as error:
        if not last_try:
            raise
        service.log.exception("ingestion given up", extra={"file_id": file.file_id})
        return ingest_file(file, service.deps, broke=error)


def _report(ingestion: Ingestion) -> None:
    names = ("file_id", "key", "use_case", "status", "rows_total", "rows_good", "rows_bad", "criticality", "error")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    service.log.info("ingested", extra={name: getattr(ingestion, name) for name in names} | {"peak_memory_mb": peak})
    service.count(IngestedFiles=1, GoodRows=ingestion.rows_good, BadRows=ingestion.rows_bad)
