"""Look for what fell by the wayside; EventBridge Scheduler invokes this function."""

from typing import TYPE_CHECKING, Any

from tabserve.ingestion.build_sweep import sweep_service
from tabserve.ingestion.sweep import sweep

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

service = sweep_service()


@service.log.inject_lambda_context(clear_state=True)
@service.metrics.log_metrics
def handler(_event: dict[str, Any], _context: "LambdaContext") -> dict[str, int]:
    """Queue raw files that are not ingested again."""
    swept = sweep(service.deps)
    for file in swept.queued:
        service.log.warning("raw file queued again", extra={"key": file.key, "file_id": file.file_id})
    service.count(Sweep_queued=len(swept.queued), Sweep_lost=swept.lost)
    for error in swept.errors:
        service.log.error("part of the sweep failed", exc_info=error)
    if swept.errors:
        raise swept.errors[0]
    service.count(SweepCompleted=1)
    return {"queued": len(swept.queued), "lost": swept.lost}
