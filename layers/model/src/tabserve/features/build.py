"""The parts of the function that fills the feature store, and the store for whoever reads or writes it from outside."""

from typing import Final

from tabserve.core.clock import utc_now
from tabserve.core.queues import SqsQueue
from tabserve.core.s3 import S3Store
from tabserve.core.service import Service, aws_client, lambda_service
from tabserve.core.settings import Settings
from tabserve.features.service import FillDependencies
from tabserve.features.store import WRITERS, DynamoFeatures
from tabserve.registry.build import catalog

NEEDS: Final = ("good_bucket", "features_table", "features_queue_url")
OPTIONAL: Final = ("artifacts_bucket",)


def features_service() -> Service[FillDependencies]:
    """Build the function's parts; raise SettingsError."""
    return lambda_service("features", NEEDS, _dependencies, OPTIONAL)


def _dependencies(settings: Settings) -> FillDependencies:
    return FillDependencies(
        catalog=catalog(settings),
        good=S3Store(aws_client(settings, "s3"), settings.good_bucket),
        features=feature_store(settings),
        queue=SqsQueue(lambda: aws_client(settings, "sqs"), settings.features_queue_url),
        clock=utc_now,
    )


def feature_store(settings: Settings) -> DynamoFeatures:
    """Return the feature store; raise SettingsError."""
    settings.require("features_table")
    return DynamoFeatures(lambda: aws_client(settings, "dynamodb", connections=WRITERS), settings.features_table)
