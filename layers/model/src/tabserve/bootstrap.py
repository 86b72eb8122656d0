"""Build what a function needs out of settings and adapters; the only place that knows them all."""

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from tabserve.adapters.catalog import BUNDLED, YamlCatalog
from tabserve.settings import Settings, read_settings

if TYPE_CHECKING:
    from aws_lambda_powertools import Logger, Metrics

    from tabserve.adapters.registry import Registry
    from tabserve.application.ingest import IngestDependencies
    from tabserve.application.ports import ModelRegistry
    from tabserve.application.predict import PredictDependencies
    from tabserve.application.scheduled_predict import ScheduledDependencies
    from tabserve.domain.use_case import UseCase
    from tabserve.errors import ModelError


def utc_now() -> datetime:
    """Return the time, with zone."""
    return datetime.now(UTC)


def catalog(settings: Settings) -> YamlCatalog:
    """Return the bundled use cases and those of the user's folder."""
    return YamlCatalog(BUNDLED, *([settings.use_cases_dir] if settings.use_cases_dir else []))


def logger(settings: Settings, service: str) -> "Logger":
    """Return a logger that writes one JSON object a line."""
    from aws_lambda_powertools.logging import Logger

    return Logger(service=service, level=settings.log_level)


def metrics(service: str) -> "Metrics":
    """Return a collector of metrics that are written as one log line (EMF)."""
    from aws_lambda_powertools.metrics import Metrics

    return Metrics(namespace="tabserve", service=service)


@dataclass(frozen=True, slots=True)
class PredictService:
    """The parts of the prediction function."""

    settings: Settings
    deps: "PredictDependencies"
    registry: "ModelRegistry"
    log: "Logger"


def aws_client(settings: Settings, name: str) -> Any:  # noqa: ANN401  boto3 clients have no static type
    """Return a client of an AWS service, or of the emulator's."""
    import boto3
    from botocore.config import Config

    config = Config(connect_timeout=2, read_timeout=10, retries={"mode": "standard", "max_attempts": 3})
    endpoint = str(settings.aws_endpoint_url) if settings.aws_endpoint_url else None
    client: Any = boto3.client  # typed by literal names only
    return client(name, region_name=settings.aws_region, endpoint_url=endpoint, config=config)


def registry(settings: Settings) -> "Registry":
    """Return the model registry of the artifacts bucket."""
    from tabserve.adapters.registry import Registry
    from tabserve.adapters.s3 import S3Store

    settings.require("artifacts_bucket")
    return Registry(S3Store(aws_client(settings, "s3"), settings.artifacts_bucket))


def predict_service() -> PredictService:
    """Build the prediction function's parts; adapters it does not need stay unimported."""
    from tabserve.adapters.models import ServedModels
    from tabserve.adapters.predictions import prediction_store
    from tabserve.adapters.registry import BakedModels
    from tabserve.application.predict import PredictDependencies

    settings = read_settings()
    settings.require("database_url")
    log = logger(settings, "predict")

    def on_refused(use_case: "UseCase", version: str, error: "ModelError") -> None:
        log.error("model refused", use_case=use_case.name, version=version, error=str(error))

    registry_of = (lambda: registry(settings)) if settings.artifacts_bucket else None
    models = ServedModels(registry_of, BakedModels(), on_refused)
    deps = PredictDependencies(
        catalog=catalog(settings),
        models=models,
        predictions=prediction_store(settings.database_url),
        clock=utc_now,
    )
    return PredictService(settings, deps, models, log)


@dataclass(frozen=True, slots=True)
class IngestService:
    """The parts of the ingestion function."""

    deps: "IngestDependencies"
    log: "Logger"


def ingest_service() -> IngestService:
    """Build the ingestion function's parts."""
    from tabserve.adapters.database import Database
    from tabserve.adapters.ingestions import Ingestions
    from tabserve.adapters.s3 import S3Store
    from tabserve.adapters.validator import PanderaValidator
    from tabserve.application.ingest import IngestDependencies

    settings = read_settings()
    settings.require("database_url", "raw_bucket", "good_bucket", "bad_bucket", "artifacts_bucket")
    s3 = aws_client(settings, "s3")
    deps = IngestDependencies(
        catalog=catalog(settings),
        raw=S3Store(s3, settings.raw_bucket),
        good=S3Store(s3, settings.good_bucket),
        bad=S3Store(s3, settings.bad_bucket),
        validator=PanderaValidator(),
        ingestions=Ingestions(Database(settings.database_url)),
        clock=utc_now,
    )
    return IngestService(deps, logger(settings, "ingest"))


@dataclass(frozen=True, slots=True)
class ScheduledPredictService:
    """The parts of the scheduled function."""

    deps: "ScheduledDependencies"
    log: "Logger"
    metrics: "Metrics"


def scheduled_predict_service() -> ScheduledPredictService:
    """Build the scheduled function's parts."""
    from tabserve.adapters.database import Database
    from tabserve.adapters.dynamodb import DynamoMarkers
    from tabserve.adapters.ingestions import Ingestions
    from tabserve.adapters.prediction_api import PredictionApi
    from tabserve.adapters.runs import Runs
    from tabserve.adapters.s3 import S3Store
    from tabserve.application.scheduled_predict import ScheduledDependencies

    settings = read_settings()
    settings.require("database_url", "predict_url", "good_bucket", "markers_table")
    database = Database(settings.database_url)
    deps = ScheduledDependencies(
        catalog=catalog(settings),
        ingestions=Ingestions(database),
        markers=DynamoMarkers(aws_client(settings, "dynamodb"), settings.markers_table, utc_now),
        good=S3Store(aws_client(settings, "s3"), settings.good_bucket),
        service=PredictionApi(settings.predict_url, settings.api_key),
        runs=Runs(database),
        clock=utc_now,
        new_id=lambda: str(uuid.uuid4()),
    )
    return ScheduledPredictService(deps, logger(settings, "scheduled_predict"), metrics("scheduled_predict"))
