"""The parts of the sweeping function."""

from dataclasses import dataclass

from aws_lambda_powertools import Logger, Metrics

from tabserve.alerts.outbox import Outbox
from tabserve.core.clock import utc_now
from tabserve.core.connection import role_name
from tabserve.core.database import Database
from tabserve.core.queues import SqsQueue
from tabserve.core.service import aws_client, database_url, logger, metrics
from tabserve.core.settings import read_settings
from tabserve.ingestion.raw_bucket import S3RawBucket
from tabserve.ingestion.store import Ingestions
from tabserve.ingestion.sweep import SweepDependencies


@dataclass(frozen=True, slots=True)
class SweepService:
    """The parts of the sweeping function."""

    deps: SweepDependencies
    log: Logger
    metrics: Metrics


def sweep_service() -> SweepService:
    """Build the sweeping function's parts; raise SettingsError."""
    settings = read_settings()
    settings.require("raw_bucket", "ingest_queue_url")
    database = Database(database_url(settings), role=role_name("sweep"))
    deps = SweepDependencies(
        raw=S3RawBucket(aws_client(settings, "s3"), settings.raw_bucket),
        ingestions=Ingestions(database),
        queue=SqsQueue(lambda: aws_client(settings, "sqs"), settings.ingest_queue_url),
        alerts=Outbox(database),
        clock=utc_now,
    )
    return SweepService(deps, logger(settings, "sweep"), metrics("sweep"))
