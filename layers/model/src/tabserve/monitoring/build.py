"""The parts of the monitoring function."""

from typing import Final

from tabserve.core.clock import utc_now
from tabserve.core.s3 import S3Store
from tabserve.core.service import Service, aws_client, database, lambda_service
from tabserve.core.settings import Settings
from tabserve.monitoring.alert_rules import load_alert_rules
from tabserve.monitoring.service import MonitorDependencies
from tabserve.monitoring.store import MonitoringTables
from tabserve.reference.store import StoredReferences
from tabserve.registry.build import catalog

NEEDS: Final = ("database_url",)
OPTIONAL: Final = ("artifacts_bucket", "dashboards_url")


def monitor_service() -> Service[MonitorDependencies]:
    """Build the function's parts; raise SettingsError."""
    return lambda_service("monitor", NEEDS, _dependencies, OPTIONAL)


def _dependencies(settings: Settings) -> MonitorDependencies:
    bucket = settings.artifacts_bucket
    return MonitorDependencies(
        catalog=catalog(settings),
        references=StoredReferences(S3Store(aws_client(settings, "s3"), bucket) if bucket else None),
        store=MonitoringTables(database(settings, "monitor")),
        rules=load_alert_rules(),
        clock=utc_now,
        dashboards=settings.dashboards_url,
    )
