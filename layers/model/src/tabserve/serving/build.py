"""The parts of the prediction function; clients it may not need are made when they are first used."""

from functools import cache
from typing import TYPE_CHECKING

from tabserve.core.catalog import YamlCatalog
from tabserve.core.clock import utc_now
from tabserve.core.connection import role_name
from tabserve.core.errors import ReleaseError
from tabserve.core.files import Ingestion
from tabserve.core.queues import SqsQueue
from tabserve.core.service import Service, aws_client, database_url, lambda_service, logger
from tabserve.core.settings import Settings
from tabserve.features.store import DynamoFeatures
from tabserve.registry.build import catalog, registry
from tabserve.registry.store import BundledModels
from tabserve.serving.group_commit import GroupCommit
from tabserve.serving.links import S3Links
from tabserve.serving.model_alerts import ModelAlerts
from tabserve.serving.postgres import API_TIMEOUT_MS
from tabserve.serving.served_models import ServedModels
from tabserve.serving.service import PredictDependencies
from tabserve.serving.store import prediction_store
from tabserve.serving.trials import Trials

if TYPE_CHECKING:
    from tabserve.alerts.outbox import Outbox
    from tabserve.core.buckets import ObjectStore
    from tabserve.core.database import Database
    from tabserve.reference.store import StoredReferences
    from tabserve.registry.release import Releases
    from tabserve.registry.store import Registry

NEEDS = ("database_url", "api_key")  # without a key, whoever finds the address would be let in
OPTIONAL = ("raw_bucket", "bad_bucket", "artifacts_bucket", "features_table", "results_queue_url", "default_use_case")
ROLE = role_name("predict")


def predict_service() -> Service[PredictDependencies]:
    """Build the function's parts; raise SettingsError."""
    return lambda_service("predict", NEEDS, _dependencies, OPTIONAL)


def _dependencies(settings: Settings) -> PredictDependencies:
    url = database_url(settings)
    store = prediction_store(url, role=ROLE)
    bucket = settings.artifacts_bucket

    @cache
    def tables() -> "Database":
        from tabserve.core.database import Database  # importing SQLAlchemy takes long, and predictions need none

        return Database(url, API_TIMEOUT_MS, ROLE)

    @cache
    def artifacts() -> "ObjectStore":
        from tabserve.core.s3 import S3Store

        return S3Store(aws_client(settings, "s3"), bucket)

    def outbox() -> "Outbox":
        from tabserve.alerts.outbox import Outbox

        return Outbox(tables())

    @cache
    def references() -> "StoredReferences":
        from tabserve.reference.store import StoredReferences

        return StoredReferences(artifacts() if bucket else None)

    def find_file(file_id: str) -> Ingestion | None:
        from tabserve.ingestion.store import Ingestions

        return Ingestions(tables()).find(file_id)

    @cache
    def versions() -> "Registry":
        if not bucket:
            raise ReleaseError("There is no model registry here; set ARTIFACTS_BUCKET.")
        return registry(settings)

    def releases() -> "Releases":
        from tabserve.registry.release import Releases

        return Releases(versions(), YamlCatalog(settings.use_cases_dir).get, utc_now)

    definitions = catalog(settings)
    log = logger(settings, "predict")
    alerts = ModelAlerts(outbox, log, utc_now)
    models = ServedModels(
        definitions,
        versions if bucket else None,
        BundledModels(),
        alerts.report,
    )

    return PredictDependencies(
        settings=settings,
        catalog=definitions,
        models=models,
        registry=versions,
        releases=releases,
        trials=Trials(store, models, releases, alerts.stopped, log, utc_now),
        predictions=store,
        writer=GroupCommit(store),
        features=DynamoFeatures(lambda: aws_client(settings, "dynamodb"), settings.features_table),
        references=references,
        raw_links=S3Links(lambda: aws_client(settings, "s3"), settings.raw_bucket),
        artifact_links=S3Links(lambda: aws_client(settings, "s3"), bucket),
        bad_links=S3Links(lambda: aws_client(settings, "s3"), settings.bad_bucket),
        find_file=find_file,
        alerts=outbox,
        results=SqsQueue(lambda: aws_client(settings, "sqs"), settings.results_queue_url),
        large_answers=artifacts,
        clock=utc_now,
    )
