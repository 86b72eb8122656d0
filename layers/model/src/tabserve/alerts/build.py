"""The parts of the function that sends alerts."""

from dataclasses import dataclass

from aws_lambda_powertools import Logger, Metrics

from tabserve.alerts.channels import SnsChannel, TeamsChannel
from tabserve.alerts.outbox import Outbox
from tabserve.alerts.ports import AlertChannel
from tabserve.alerts.service import LONGEST_SEND_S, AlertDependencies
from tabserve.alerts.timed_channel import TimedChannel
from tabserve.core.clock import utc_now
from tabserve.core.connection import role_name
from tabserve.core.database import Database
from tabserve.core.service import aws_client, database_url, logger, metrics
from tabserve.core.settings import Settings, read_settings


@dataclass(frozen=True, slots=True)
class AlertsService:
    """The parts of the function that sends alerts."""

    deps: AlertDependencies
    log: Logger
    metrics: Metrics


def alerts_service() -> AlertsService:
    """Build the parts of the function that sends alerts; raise SettingsError."""
    settings = read_settings()
    channels = {name: TimedChannel(channel, LONGEST_SEND_S) for name, channel in _channels(settings).items()}
    deps = AlertDependencies(
        Outbox(Database(database_url(settings), role=role_name("alerts"))), channels, settings.ui_url, utc_now
    )
    return AlertsService(deps, logger(settings, "alerts"), metrics("alerts"))


def _channels(settings: Settings) -> dict[str, AlertChannel]:
    """Return the channels that are configured."""
    channels: dict[str, AlertChannel] = {}
    if settings.alert_topic_arn:
        channels["sns"] = SnsChannel(aws_client(settings, "sns", patient=False), settings.alert_topic_arn)
    if settings.alert_webhook_url:
        channels["webhook"] = TeamsChannel(settings.alert_webhook_url)
    return channels
