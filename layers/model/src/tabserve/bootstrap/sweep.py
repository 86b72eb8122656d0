"""The parts of the sweeping function."""

from dataclasses import dataclass

from aws_lambda_powertools import Logger, Metrics

from tabserve.adapters.connection import role_name
from tabserve.adapters.database import Database
from tabserve.adapters.ingestions import Ingestions
from tabserve.adapters.outbox import Outbox
from tabserve.adapters.raw_bucket import S3RawBucket
from tabserve.adapters.sqs import SqsQueue
from tabserve.application.sweep import SweepDependencies
from tabserve.bootstrap.common import aws_client, database_url, logger, metrics, utc_now
from tabserve.settings import read_settings


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
