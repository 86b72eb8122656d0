"""The parts of the function that fills the feature store, and the store for whoever reads or writes it from outside."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tabserve.core.clock import utc_now
from tabserve.core.queues import SqsQueue
from tabserve.core.s3 import S3Store
from tabserve.core.service import aws_client, catalog, logger, metrics
from tabserve.core.settings import Settings, read_settings
from tabserve.features.service import FillDependencies
from tabserve.features.store import WRITERS, DynamoFeatures

if TYPE_CHECKING:
    from aws_lambda_powertools import Logger, Metrics


@dataclass(frozen=True, slots=True)
class FeaturesService:
    """The parts of the function that fills the feature store."""

    deps: FillDependencies
    log: "Logger"
    metrics: "Metrics"


def features_service() -> FeaturesService:
    """Build the function's parts; raise SettingsError."""
    settings = read_settings()
    settings.require("good_bucket", "features_queue_url")
    deps = FillDependencies(
        catalog=catalog(settings),
        good=S3Store(aws_client(settings, "s3"), settings.good_bucket),
        features=feature_store(settings),
        queue=SqsQueue(lambda: aws_client(settings, "sqs"), settings.features_queue_url),
        clock=utc_now,
    )
    return FeaturesService(deps, logger(settings, "features"), metrics("features"))


def feature_store(settings: Settings) -> DynamoFeatures:
    """Return the feature store; raise SettingsError."""
    settings.require("features_table")
    return DynamoFeatures(lambda: aws_client(settings, "dynamodb", connections=WRITERS), settings.features_table)
