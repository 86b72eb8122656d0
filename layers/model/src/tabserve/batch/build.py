"""The parts of the scheduled function, and of the command that lets files be predicted again."""

import uuid
from functools import partial
from typing import Final

from tabserve.alerts.outbox import Outbox
from tabserve.batch.markers import DynamoMarkers
from tabserve.batch.ports import ScheduledDependencies
from tabserve.batch.prediction_function import ANSWER_WITHIN_S, PredictionFunction, invoke_again
from tabserve.batch.service import MAX_LARGE_FILES
from tabserve.batch.store import PendingFiles
from tabserve.core.clock import utc_now
from tabserve.core.s3 import S3Store
from tabserve.core.service import Service, aws_client, database, lambda_service
from tabserve.core.settings import Settings, read_settings
from tabserve.registry.build import catalog

NEEDS: Final = ("database_url", "predict_function", "good_bucket", "markers_table")
OPTIONAL: Final = ("parallel_calls", "artifacts_bucket")


def scheduled_predict_service() -> Service[ScheduledDependencies]:
    """Build the function's parts; raise SettingsError."""
    return lambda_service("scheduled_predict", NEEDS, _dependencies, OPTIONAL)


def _dependencies(settings: Settings) -> ScheduledDependencies:
    tables = database(settings, "scheduled_predict")
    calls = settings.parallel_calls
    functions = aws_client(settings, "lambda", once_within=ANSWER_WITHIN_S, connections=calls)
    return ScheduledDependencies(
        catalog=catalog(settings),
        files=PendingFiles(tables),
        markers=_markers(settings),
        good=S3Store(aws_client(settings, "s3", connections=MAX_LARGE_FILES + 1), settings.good_bucket),
        service=PredictionFunction(functions, settings.predict_function),
        alerts=Outbox(tables),
        clock=utc_now,
        new_id=lambda: str(uuid.uuid4()),
        run_again=partial(invoke_again, functions),
        calls=calls,
    )


def retry_service() -> tuple[PendingFiles, DynamoMarkers]:
    """Return what letting files be predicted again needs; raise SettingsError."""
    settings = read_settings()
    settings.require("markers_table")
    return PendingFiles(database(settings)), _markers(settings)


def _markers(settings: Settings) -> DynamoMarkers:
    return DynamoMarkers(aws_client(settings, "dynamodb"), settings.markers_table, utc_now)
