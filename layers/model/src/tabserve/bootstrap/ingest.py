"""The parts of the ingestion function."""

from dataclasses import dataclass

from aws_lambda_powertools import Logger

from tabserve.adapters.database import Database
from tabserve.adapters.ingestions import Ingestions
from tabserve.adapters.s3 import S3Store
from tabserve.adapters.validator import PanderaValidator
from tabserve.application.ingest import IngestDependencies
from tabserve.bootstrap.common import aws_client, catalog, database_url, logger, utc_now
from tabserve.settings import read_settings


@dataclass(frozen=True, slots=True)
class IngestService:
    """The parts of the ingestion function."""

    deps: IngestDependencies
    log: Logger


def ingest_service() -> IngestService:
    """Build the ingestion function's parts; raise SettingsError."""
    settings = read_settings()
    settings.require("raw_bucket", "good_bucket", "bad_bucket", "artifacts_bucket")
    s3 = aws_client(settings, "s3")
    deps = IngestDependencies(
        catalog=catalog(settings),
        raw=S3Store(s3, settings.raw_bucket),
        good=S3Store(s3, settings.good_bucket),
        bad=S3Store(s3, settings.bad_bucket),
        validator=PanderaValidator(),
        ingestions=Ingestions(Database(database_url(settings))),
        clock=utc_now,
    )
    return IngestService(deps, logger(settings, "ingest"))
