"""Watch predictions for drift and performance; EventBridge Scheduler invokes this function."""

from typing import TYPE_CHECKING, Any

from tabserve.monitoring.build import monitor_service
from tabserve.monitoring.service import MonitoringRun, run

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

service = monitor_service()


@service.log.inject_lambda_context(clear_state=True)
@service.metrics.log_metrics
def handler(_event: dict[str, Any], _context: "LambdaContext") -> dict[str, Any]:
    """Report on everything that is new."""
    report = run(service.deps)
    _report(report)
    return {"windows": report.windows, "predictions": report.predictions, "alerts": len(report.alerts)}


def _report(report: MonitoringRun) -> None:
    log = service.log
    for alert in report.alerts:
        log.warning("alert", extra={"rule": alert.rule, "subject": alert.subject, "state": alert.state})
    for version in report.without_reference:
        log.error("version without reference is not watched", extra={"model_version": version})
    for name, error in report.failures.items():
        log.error("use case is not monitored", extra={"use_case": name}, exc_info=error)
    counts = {"windows": report.windows, "predictions": report.predictions, "measured": report.measured}
    log.info("monitored", extra=counts)
    service.count(
        MonitoredWindows=report.windows, UseCasesNotMonitored=len(report.failures), MonitorAlerts=len(report.alerts)
    )
