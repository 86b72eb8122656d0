"""What sending alerts is built from; several functions do it."""

from tabserve.adapters.alert_channels import SnsChannel, TeamsChannel
from tabserve.adapters.database import Database
from tabserve.adapters.outbox import Outbox
from tabserve.adapters.s3_links import WEEK, S3Links
from tabserve.application.alerts import AlertDependencies
from tabserve.application.ports.alerts import AlertChannel
from tabserve.bootstrap.common import aws_client, utc_now
from tabserve.settings import Settings


def alert_dependencies(settings: Settings, database: Database) -> AlertDependencies:
    """Return the outbox and the channels that are configured."""
    channels: dict[str, AlertChannel] = {}
    if settings.alert_topic_arn:
        channels["sns"] = SnsChannel(aws_client(settings, "sns"), settings.alert_topic_arn)
    if settings.alert_webhook_url:
        channels["webhook"] = TeamsChannel(settings.alert_webhook_url)
    links = S3Links(lambda: aws_client(settings, "s3"), settings.artifacts_bucket, WEEK)
    return AlertDependencies(Outbox(database), channels, links.to_get, utc_now)
