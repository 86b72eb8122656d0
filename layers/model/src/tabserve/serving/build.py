"""The parts of the prediction function; clients it may not need are made when they are first used."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from aws_lambda_powertools import Logger, Metrics

from tabserve.alerts.alert import Alert, AlertState, alert_id
from tabserve.core.buckets import ObjectStore
from tabserve.core.catalog import Catalog
from tabserve.core.clock import utc_now
from tabserve.core.connection import role_name
from tabserve.core.errors import ModelError, UnavailableError
from tabserve.core.files import Ingestion
from tabserve.core.queues import Queue, SqsQueue
from tabserve.core.service import aws_client, catalog, database_url, logger, metrics
from tabserve.core.settings import Settings, read_settings
from tabserve.core.use_case import UseCase
from tabserve.features.store import DynamoFeatures
from tabserve.reference.store import StoredReferences
from tabserve.registry.build import registry
from tabserve.registry.store import BundledModels
from tabserve.serving.explain import ExplainDependencies
from tabserve.serving.files import FilesDependencies
from tabserve.serving.group_commit import GroupCommit
from tabserve.serving.links import S3Links
from tabserve.serving.ports import ModelRegistry
from tabserve.serving.postgres import API_TIMEOUT_MS
from tabserve.serving.served_models import ServedModels
from tabserve.serving.service import PredictDependencies
from tabserve.serving.store import prediction_store

if TYPE_CHECKING:
    from tabserve.core.database import Database

NEEDS = ("database_url", "api_key")  # without a key, whoever finds the address would be let in
OPTIONAL = ("raw_bucket", "artifacts_bucket", "features_table", "results_queue_url", "default_use_case")
REFUSED = "model_refused"
ROLE = role_name("predict")


@dataclass(frozen=True, slots=True)
class PredictService:
    """The parts of the prediction function."""

    settings: Settings
    deps: PredictDependencies
    registry: ModelRegistry
    results: Queue
    large_answers: Callable[[], ObjectStore]
    log: Logger
    explain: Callable[[], ExplainDependencies]
    files: FilesDependencies
    emf: Callable[[], Metrics]

    @property
    def default_use_case(self) -> str:
        """The use case of a bare record; empty when there is no definition of that name."""
        name = self.settings.default_use_case
        return name if name in self.deps.catalog.names() else ""


def predict_service() -> PredictService:
    """Build the prediction function's parts; raise SettingsError."""
    settings = read_settings(NEEDS, OPTIONAL)
    log = logger(settings, "predict")
    url = database_url(settings)

    registry_of = (lambda: registry(settings)) if settings.artifacts_bucket else None
    models = ServedModels(registry_of, BundledModels(), *_model_alerts(url, log))
    store = prediction_store(url, role=ROLE)
    deps = PredictDependencies(
        catalog=catalog(settings),
        models=models,
        predictions=store,
        writer=GroupCommit(store),
        features=DynamoFeatures(lambda: aws_client(settings, "dynamodb"), settings.features_table),
        clock=utc_now,
    )

    @cache
    def artifacts() -> ObjectStore:
        from tabserve.core.s3 import S3Store

        return S3Store(aws_client(settings, "s3"), settings.artifacts_bucket)

    @cache
    def explain() -> ExplainDependencies:
        return ExplainDependencies(
            deps.catalog, models, StoredReferences(artifacts() if settings.artifacts_bucket else None)
        )

    return PredictService(
        settings=settings,
        deps=deps,
        registry=models,
        results=SqsQueue(lambda: aws_client(settings, "sqs"), settings.results_queue_url),
        large_answers=artifacts,
        log=log,
        explain=explain,
        files=_files(settings, url, deps.catalog),
        emf=cache(lambda: metrics("predict")),
    )


@cache
def _tables(url: str) -> "Database":
    # SQLAlchemy is imported here only: predictions do without it.
    from tabserve.core.database import Database

    return Database(url, API_TIMEOUT_MS, ROLE)


def _model_alerts(
    url: str, log: Logger
) -> tuple[Callable[[UseCase, str, ModelError], None], Callable[[UseCase, str], None]]:
    """Return what to do when a champion cannot be served and when one can again: log it, and write an alert."""

    def write(use_case: UseCase, version: str, state: AlertState, error: str) -> None:
        from tabserve.alerts.outbox import Outbox

        log.error("champion", state=state, use_case=use_case.name, version=version, error=error)
        id_ = alert_id(REFUSED, use_case.name, state, version)
        payload = {"use_case": use_case.name, "version": version, "error": error}
        alert = Alert(id_, REFUSED, use_case.name, state, "high", payload, utc_now())
        try:
            Outbox(_tables(url)).add([alert])
        except UnavailableError:
            log.exception("alert not stored")  # the old version serves on; that must not fail for it

    def refused(use_case: UseCase, version: str, error: ModelError) -> None:
        write(use_case, version, "firing", str(error))

    def mended(use_case: UseCase, version: str) -> None:
        write(use_case, version, "resolved", "")

    return refused, mended


def _files(settings: Settings, url: str, use_cases: Catalog) -> FilesDependencies:
    def find(file_id: str) -> Ingestion | None:
        from tabserve.ingestion.store import Ingestions

        return Ingestions(_tables(url)).find(file_id)

    return FilesDependencies(
        catalog=use_cases,
        raw=S3Links(lambda: aws_client(settings, "s3"), settings.raw_bucket),
        artifacts=S3Links(lambda: aws_client(settings, "s3"), settings.artifacts_bucket),
        find=find,
    )
