"""Score what ingestion has left to predict; EventBridge Scheduler invokes this function."""

from typing import TYPE_CHECKING, Any

from tabserve.batch.build import scheduled_predict_service
from tabserve.batch.service import Scored, go_on, score_pending
from tabserve.core.service import seconds_left

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

service = scheduled_predict_service()


@service.log.inject_lambda_context(clear_state=True)
@service.metrics.log_metrics
def handler(event: dict[str, Any], context: "LambdaContext") -> dict[str, Any]:
    """Score pending files until none is left or this invocation's time is nearly over; then another one goes on."""
    scored = score_pending(service.deps, context.aws_request_id, seconds_left(context))
    _report(scored)
    if go_on(service.deps, scored, context.function_name, event.get("hop", 0)):
        service.log.info("work is left, the next run begins at once")
    run = scored.run
    return {"run_id": run.id, "status": run.status, "files": run.files, "rows": run.rows}


def _report(scored: Scored) -> None:
    log, run = service.log, scored.run
    for result in scored.results:
        write = log.error if result.error else log.info
        write("file scored" if result.done else "file left", extra={"outcome": result})
    log.info("run finished", extra={"run_id": run.id, "status": run.status, "files": run.files, "rows": run.rows})
    failures = sum(bool(result.error) for result in scored.results)
    service.count(ScheduledFiles=run.files, ScheduledRows=run.rows, ScheduledFailures=failures)
