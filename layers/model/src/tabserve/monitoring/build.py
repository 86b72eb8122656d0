"""The parts of the monitoring function."""

from dataclasses import dataclass

from aws_lambda_powertools import Logger, Metrics

from tabserve.core.clock import utc_now
from tabserve.core.connection import role_name
from tabserve.core.database import Database
from tabserve.core.s3 import S3Store
from tabserve.core.service import aws_client, catalog, database_url, logger, metrics
from tabserve.core.settings import read_settings
from tabserve.monitoring.alert_rules import load_alert_rules
from tabserve.monitoring.service import MonitorDependencies
from tabserve.monitoring.store import MonitoringTables
from tabserve.reference.store import StoredReferences


@dataclass(frozen=True, slots=True)
class MonitorService:
    """The parts of the monitoring function."""

    deps: MonitorDependencies
    log: Logger
    metrics: Metrics


def monitor_service() -> MonitorService:
    """Build the monitoring function's parts; raise SettingsError."""
    settings = read_settings()
    bucket = settings.artifacts_bucket
    database = Database(database_url(settings), role=role_name("monitor"))
    deps = MonitorDependencies(
        catalog=catalog(settings),
        references=StoredReferences(S3Store(aws_client(settings, "s3"), bucket) if bucket else None),
        store=MonitoringTables(database),
        rules=load_alert_rules(),
        clock=utc_now,
        dashboards=settings.dashboards_url,
    )
    return MonitorService(deps, logger(settings, "monitor"), metrics("monitor"))
