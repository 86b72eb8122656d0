"""The parts of the scheduled function."""

import uuid
from dataclasses import dataclass

from aws_lambda_powertools import Logger, Metrics

from tabserve.alerts.outbox import Outbox
from tabserve.batch.markers import DynamoMarkers
from tabserve.batch.ports import Markers, PendingFileStore
from tabserve.batch.prediction_function import ANSWER_WITHIN_S, PredictionFunction
from tabserve.batch.runs import Runs
from tabserve.batch.score_file import ScheduledDependencies
from tabserve.batch.store import PendingFiles
from tabserve.core.clock import utc_now
from tabserve.core.connection import role_name
from tabserve.core.database import Database
from tabserve.core.s3 import S3Store
from tabserve.core.service import aws_client, catalog, database_url, logger, metrics
from tabserve.core.settings import read_settings


@dataclass(frozen=True, slots=True)
class ScheduledPredictService:
    """The parts of the scheduled function."""

    deps: ScheduledDependencies
    log: Logger
    metrics: Metrics


def scheduled_predict_service() -> ScheduledPredictService:
    """Build the scheduled function's parts; raise SettingsError."""
    settings = read_settings()
    settings.require("predict_function", "good_bucket", "markers_table")
    database = Database(database_url(settings), role=role_name("scheduled_predict"))
    deps = ScheduledDependencies(
        catalog=catalog(settings),
        files=PendingFiles(database),
        markers=DynamoMarkers(aws_client(settings, "dynamodb"), settings.markers_table, utc_now),
        good=S3Store(aws_client(settings, "s3"), settings.good_bucket),
        service=PredictionFunction(
            aws_client(settings, "lambda", once_within=ANSWER_WITHIN_S), settings.predict_function
        ),
        runs=Runs(database),
        alerts=Outbox(database),
        clock=utc_now,
        new_id=lambda: str(uuid.uuid4()),
    )
    return ScheduledPredictService(deps, logger(settings, "scheduled_predict"), metrics("scheduled_predict"))


def retry_service() -> tuple[PendingFileStore, Markers]:
    """Return what letting files be predicted again needs; raise SettingsError."""
    settings = read_settings()
    settings.require("markers_table")
    markers = DynamoMarkers(aws_client(settings, "dynamodb"), settings.markers_table, utc_now)
    return PendingFiles(Database(database_url(settings))), markers
