"""Score what ingestion has left to predict; EventBridge Scheduler invokes this function."""

from typing import TYPE_CHECKING, Any

from aws_lambda_powertools.metrics import MetricUnit

from tabserve.batch.build import scheduled_predict_service
from tabserve.batch.service import Scored, score_pending

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

service = scheduled_predict_service()
log, metrics = service.log, service.metrics


@log.inject_lambda_context(clear_state=True)
@metrics.log_metrics
def handler(_event: dict[str, Any], context: "LambdaContext") -> dict[str, Any]:
    """Score pending files until none is left or this invocation's time is nearly over."""
    scored = score_pending(service.deps, context.aws_request_id, lambda: context.get_remaining_time_in_millis() / 1000)
    _report(scored)
    return {"run_id": scored.run.id, "status": scored.run.status, "files": scored.run.files, "rows": scored.run.rows}


def _report(scored: Scored) -> None:
    for outcome in scored.outcomes:
        write = log.error if outcome.error else log.info
        write("file scored" if outcome.done else "file left", extra={"outcome": outcome})
    run = scored.run
    log.info("run finished", extra={"run_id": run.id, "status": run.status, "files": run.files, "rows": run.rows})
    metrics.add_metric("ScheduledFiles", MetricUnit.Count, run.files)
    metrics.add_metric("ScheduledRows", MetricUnit.Count, run.rows)
    metrics.add_metric("ScheduledFailures", MetricUnit.Count, sum(bool(o.error) for o in scored.outcomes))
