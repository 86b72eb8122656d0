"""The parts of the function that sends alerts."""

from typing import TYPE_CHECKING, Final

from tabserve.alerts.channels import SnsChannel, TeamsChannel, TimedChannel
from tabserve.alerts.outbox import Outbox
from tabserve.alerts.service import LONGEST_SEND_S, AlertDependencies
from tabserve.core.clock import utc_now
from tabserve.core.service import Service, aws_client, database, lambda_service
from tabserve.core.settings import Settings

if TYPE_CHECKING:
    from tabserve.alerts.ports import AlertChannel

NEEDS: Final = ("database_url",)
OPTIONAL: Final = ("alert_topic_arn", "alert_webhook_url", "ui_url")


def alerts_service() -> Service[AlertDependencies]:
    """Build the function's parts; raise SettingsError."""
    return lambda_service("alerts", NEEDS, _dependencies, OPTIONAL)


def _dependencies(settings: Settings) -> AlertDependencies:
    channels = {name: TimedChannel(channel, LONGEST_SEND_S) for name, channel in _channels(settings).items()}
    return AlertDependencies(Outbox(database(settings, "alerts")), channels, settings.ui_url, utc_now)


def _channels(settings: Settings) -> "dict[str, AlertChannel]":
    """Return the channels that are configured."""
    channels: dict[str, AlertChannel] = {}
    if settings.alert_topic_arn:
        channels["sns"] = SnsChannel(aws_client(settings, "sns", patient=False), settings.alert_topic_arn)
    if settings.alert_webhook_url:
        channels["webhook"] = TeamsChannel(settings.alert_webhook_url)
    return channels
