"""The parts of the prediction function; clients it may not need are made when they are first used."""

from dataclasses import dataclass

from aws_lambda_powertools import Logger

from tabserve.adapters.features import DynamoFeatures
from tabserve.adapters.models import ServedModels
from tabserve.adapters.predictions import prediction_store
from tabserve.adapters.registry import BakedModels
from tabserve.adapters.sqs import SqsQueue
from tabserve.application.ports import GroundTruthStore, ModelRegistry, Queue
from tabserve.application.predict import PredictDependencies
from tabserve.bootstrap.common import aws_client, catalog, database_url, logger, registry, utc_now
from tabserve.domain.use_case import UseCase
from tabserve.errors import ModelError
from tabserve.settings import Settings, read_settings


@dataclass(frozen=True, slots=True)
class PredictService:
    """The parts of the prediction function."""

    settings: Settings
    deps: PredictDependencies
    registry: ModelRegistry
    ground_truth: GroundTruthStore
    results: Queue
    log: Logger


def predict_service() -> PredictService:
    """Build the prediction function's parts; raise SettingsError."""
    settings = read_settings()
    log = logger(settings, "predict")

    def on_refused(use_case: UseCase, version: str, error: ModelError) -> None:
        log.error("model refused", use_case=use_case.name, version=version, error=str(error))

    registry_of = (lambda: registry(settings)) if settings.artifacts_bucket else None
    models = ServedModels(registry_of, BakedModels(), on_refused)
    store = prediction_store(database_url(settings))
    deps = PredictDependencies(
        catalog=catalog(settings),
        models=models,
        predictions=store,
        replies=store,
        features=DynamoFeatures(lambda: aws_client(settings, "dynamodb"), settings.features_table),
        clock=utc_now,
    )
    results = SqsQueue(lambda: aws_client(settings, "sqs"), settings.results_queue_url)
    return PredictService(settings, deps, models, store, results, log)
