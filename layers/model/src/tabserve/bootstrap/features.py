"""The parts of the function that fills the feature store, and the store for whoever reads or writes it from outside."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tabserve.adapters.features import WRITERS, DynamoFeatures
from tabserve.adapters.s3 import S3Store
from tabserve.adapters.sqs import SqsQueue
from tabserve.application.fill_features import FillDependencies
from tabserve.bootstrap.common import aws_client, catalog, logger, metrics, utc_now
from tabserve.settings import Settings, read_settings

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
