"""Send the alerts that wait; EventBridge Scheduler invokes this function."""

from typing import TYPE_CHECKING, Any

from tabserve.alerts.build import alerts_service
from tabserve.alerts.service import send_alerts
from tabserve.core.service import seconds_left

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

service = alerts_service()


@service.log.inject_lambda_context(clear_state=True)
@service.metrics.log_metrics
def handler(_event: dict[str, Any], context: "LambdaContext") -> dict[str, int]:
    """Send what is due until this invocation's time is nearly over."""
    delivery = send_alerts(service.deps, seconds_left(context))
    for error in delivery.errors:
        service.log.error("alert not delivered", extra={"error": error})
    service.count(AlertsCompleted=1, AlertsSent=delivery.sent, AlertDeliveriesFailed=len(delivery.errors))
    return {"sent": delivery.sent, "failed": len(delivery.errors)}
