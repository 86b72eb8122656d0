"""The parts of the ingestion function."""

from dataclasses import dataclass

from aws_lambda_powertools import Logger, Metrics

from tabserve.core.clock import utc_now
from tabserve.core.connection import role_name
from tabserve.core.database import Database
from tabserve.core.s3 import S3Store
from tabserve.core.service import aws_client, catalog, database_url, logger, metrics
from tabserve.core.settings import read_settings
from tabserve.ingestion.reference_columns import ChampionColumns
from tabserve.ingestion.report import HtmlReports
from tabserve.ingestion.service import IngestDependencies
from tabserve.ingestion.store import Ingestions
from tabserve.ingestion.validation import JudgeDependencies
from tabserve.ingestion.validator import PanderaValidator


@dataclass(frozen=True, slots=True)
class IngestService:
    """The parts of the ingestion function."""

    deps: IngestDependencies
    log: Logger
    metrics: Metrics


def ingest_service() -> IngestService:
    """Build the ingestion function's parts; raise SettingsError."""
    settings = read_settings()
    settings.require("raw_bucket", "good_bucket", "bad_bucket", "artifacts_bucket")
    s3 = aws_client(settings, "s3")
    artifacts = S3Store(s3, settings.artifacts_bucket)
    database = Database(database_url(settings), role=role_name("ingest"))
    deps = IngestDependencies(
        judge=JudgeDependencies(catalog(settings), S3Store(s3, settings.raw_bucket), PanderaValidator(), utc_now),
        good=S3Store(s3, settings.good_bucket),
        bad=S3Store(s3, settings.bad_bucket),
        artifacts=artifacts,
        ingestions=Ingestions(database),
        references=ChampionColumns(artifacts),
        reports=HtmlReports(),
    )
    return IngestService(deps, logger(settings, "ingest"), metrics("ingest"))
