"""Look for what fell by the wayside; EventBridge Scheduler invokes this function."""

from typing import TYPE_CHECKING, Any

from aws_lambda_powertools.metrics import MetricUnit

from tabserve.ingestion.build_sweep import sweep_service
from tabserve.ingestion.sweep import sweep

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

service = sweep_service()
log, metrics = service.log, service.metrics


@log.inject_lambda_context(clear_state=True)
@metrics.log_metrics
def handler(_event: dict[str, Any], _context: "LambdaContext") -> dict[str, int]:
    """Queue raw files without a verdict again."""
    swept = sweep(service.deps)
    for file in swept.queued:
        log.warning("raw file queued again", extra={"key": file.key, "file_id": file.file_id})
    counts = {"queued": len(swept.queued), "lost": swept.lost}
    for name, count in counts.items():
        metrics.add_metric(f"Sweep_{name}", MetricUnit.Count, count)
    for error in swept.errors:
        log.error("part of the sweep failed", exc_info=error)
    if swept.errors:
        raise swept.errors[0]
    metrics.add_metric("SweepCompleted", MetricUnit.Count, 1)
    return counts
