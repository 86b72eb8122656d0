"""The parts of the sweeping function, which has no layer for what ingestion validates with."""

from typing import Final

from tabserve.alerts.outbox import Outbox
from tabserve.core.clock import utc_now
from tabserve.core.queues import SqsQueue
from tabserve.core.service import Service, aws_client, database, lambda_service
from tabserve.core.settings import Settings
from tabserve.ingestion.raw_bucket import S3RawBucket
from tabserve.ingestion.store import Ingestions
from tabserve.ingestion.sweep import SweepDependencies

NEEDS: Final = ("database_url", "raw_bucket", "ingest_queue_url")


def sweep_service() -> Service[SweepDependencies]:
    """Build the function's parts; raise SettingsError."""
    return lambda_service("sweep", NEEDS, _dependencies)


def _dependencies(settings: Settings) -> SweepDependencies:
    tables = database(settings, "sweep")
    return SweepDependencies(
        raw=S3RawBucket(aws_client(settings, "s3"), settings.raw_bucket),
        ingestions=Ingestions(tables),
        queue=SqsQueue(lambda: aws_client(settings, "sqs"), settings.ingest_queue_url),
        alerts=Outbox(tables),
        clock=utc_now,
    )
