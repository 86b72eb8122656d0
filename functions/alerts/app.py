"""Send the alerts that wait; EventBridge Scheduler invokes this function."""

from typing import TYPE_CHECKING, Any

from aws_lambda_powertools.metrics import MetricUnit

from tabserve.alerts.build import alerts_service
from tabserve.alerts.service import send_alerts

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

service = alerts_service()
log, metrics = service.log, service.metrics


@log.inject_lambda_context(clear_state=True)
@metrics.log_metrics
def handler(_event: dict[str, Any], context: "LambdaContext") -> dict[str, int]:
    """Send what is due until this invocation's time is nearly over."""
    delivery = send_alerts(service.deps, lambda: context.get_remaining_time_in_millis() / 1000)
    for error in delivery.errors:
        log.error("alert not delivered", extra={"error": error})
    metrics.add_metric("AlertsCompleted", MetricUnit.Count, 1)
    metrics.add_metric("AlertsSent", MetricUnit.Count, delivery.sent)
    metrics.add_metric("AlertDeliveriesFailed", MetricUnit.Count, len(delivery.errors))
    return {"sent": delivery.sent, "failed": len(delivery.errors)}
