"""The parts of the ingestion function."""

from typing import Final

from tabserve.core.clock import utc_now
from tabserve.core.s3 import S3Store
from tabserve.core.service import Service, aws_client, database, lambda_service
from tabserve.core.settings import Settings
from tabserve.ingestion.report import HtmlReports
from tabserve.ingestion.service import IngestDependencies
from tabserve.ingestion.store import Ingestions
from tabserve.ingestion.validation import ValidationDependencies
from tabserve.ingestion.validator import validate_rows
from tabserve.registry.build import catalog

NEEDS: Final = ("database_url", "raw_bucket", "good_bucket", "bad_bucket", "artifacts_bucket")
OPTIONAL: Final = ("default_use_case", "ui_url")


def ingest_service() -> Service[IngestDependencies]:
    """Build the function's parts; raise SettingsError."""
    return lambda_service("ingest", NEEDS, _dependencies, OPTIONAL)


def _dependencies(settings: Settings) -> IngestDependencies:
    s3 = aws_client(settings, "s3")
    raw, artifacts = S3Store(s3, settings.raw_bucket), S3Store(s3, settings.artifacts_bucket)
    return IngestDependencies(
        validation=ValidationDependencies(catalog(settings), raw, validate_rows, utc_now, settings.default_use_case),
        good=S3Store(s3, settings.good_bucket),
        bad=S3Store(s3, settings.bad_bucket),
        artifacts=artifacts,
        ingestions=Ingestions(database(settings, "ingest")),
        reports=HtmlReports(artifacts, settings.ui_url),
    )
