"""Versions and their attempts in MLflow: parameters, measures and files, as plain artifacts.

A version is in the registry before it is recorded here: what goes wrong is a sentence, and nothing else.
"""

import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from tabserve.core.use_case import UseCase
from tabserve.registry.version import ModelMetadata
from tabserve.training.search import Attempt

if TYPE_CHECKING:
    from mlflow import MlflowClient

# Training waits for a server that is away, so it does not wait long; and what is trained is nobody else's business.
BEFORE_IMPORT: Final = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
    "MLFLOW_DISABLE_TELEMETRY": "true",
}
NOT_INSTALLED: Final = (
    "MLFLOW_TRACKING_URI is set but mlflow is not installed, so nothing is recorded there; install it."
)


class MlflowRuns:
    """Records in one MLflow server, or in whatever else a tracking URI names."""

    def __init__(self, uri: str) -> None:
        self._uri = uri

    def record(
        self, use_case: UseCase, metadata: ModelMetadata, attempts: Sequence[Attempt], files: Mapping[str, bytes]
    ) -> str:
        """Record a version as a run and its attempts as runs inside it; return a warning where that is impossible."""
        for name, value in BEFORE_IMPORT.items():
            os.environ.setdefault(name, value)  # noqa: TID251  what the user has set stays
        try:
            from mlflow import MlflowClient
        except ImportError:
            return NOT_INSTALLED
        try:
            self._record(MlflowClient(tracking_uri=self._uri), use_case, metadata, attempts, files)
        except Exception as error:  # noqa: BLE001  of requests, of databases, of MLflow: the version is registered
            why = (str(error).strip() or type(error).__name__).splitlines()[0]
            said = f"The version is registered, but MLflow at {self._uri} did not take its record: {why[:300]}"
            return said.replace(*_secret(self._uri))
        return ""

    def _record(
        self,
        client: "MlflowClient",
        use_case: UseCase,
        metadata: ModelMetadata,
        attempts: Sequence[Attempt],
        files: Mapping[str, bytes],
    ) -> None:
        found = client.get_experiment_by_name(use_case.name)
        experiment = found.experiment_id if found else client.create_experiment(use_case.name)
        run = client.create_run(experiment, tags=_tags(metadata), run_name=metadata.version).info.run_id
        _log(client, run, _parameters(use_case, metadata), _measures(metadata))
        for attempt in attempts:
            self._record_attempt(client, experiment, run, attempt)
        with tempfile.TemporaryDirectory() as folder:
            for name, body in files.items():
                Path(folder, name).write_bytes(body)
            client.log_artifacts(run, folder)
        client.set_terminated(run)

    def _record_attempt(self, client: "MlflowClient", experiment: str, parent: str, attempt: Attempt) -> None:
        name = f"{attempt.number} {attempt.choice.estimator}"
        tags = {"mlflow.parentRunId": parent} | ({"error": attempt.error} if attempt.error else {})
        run = client.create_run(experiment, tags=tags, run_name=name).info.run_id
        given = {"estimator": attempt.choice.estimator, "balance": attempt.choice.balance, **attempt.choice.parameters}
        folds = ((f"{attempt.measure}_of_fold", score, place) for place, score in enumerate(attempt.scores, start=1))
        means = ((name, value, 0) for name, value in attempt.means.items())
        _log(client, run, given, [*means, ("seconds", attempt.seconds, 0), *folds])
        client.set_terminated(run, "FAILED" if attempt.error else "FINISHED")


def _log(
    client: "MlflowClient", run: str, given: Mapping[str, object], measures: Sequence[tuple[str, float, int]]
) -> None:
    from mlflow.entities import Metric, Param

    now = client.get_run(run).info.start_time
    metrics = [Metric(name, value, now, step) for name, value, step in measures if value == value]  # no NaN
    client.log_batch(run, metrics, [Param(name, str(value)) for name, value in given.items()])


def _tags(metadata: ModelMetadata) -> dict[str, Any]:
    return {
        "version": metadata.version,
        "source": metadata.source,
        "data_sha256": metadata.data_sha256,
        "model_sha256": metadata.model_sha256,
        "mlflow.source.git.commit": metadata.git_commit,
    }


def _parameters(use_case: UseCase, metadata: ModelMetadata) -> dict[str, object]:
    chosen = metadata.chosen
    given = {} if chosen is None else {"balance": chosen.balance, "calibrated": chosen.calibrated, **chosen.parameters}
    rows = {"rows_trained": metadata.rows_trained, "rows_held_out": metadata.rows_held_out}
    return {"estimator": metadata.estimator, "seed": use_case.training.random_state, **rows, **given}


def _measures(metadata: ModelMetadata) -> Sequence[tuple[str, float, int]]:
    return [*_of_metrics(metadata), ("parity_difference", metadata.parity.max_difference, 0)]


def _of_metrics(metadata: ModelMetadata) -> Iterator[tuple[str, float, int]]:
    for name, metric in metadata.metrics.items():
        yield from ((name, metric.value, 0), (f"{name}_low", metric.low, 0), (f"{name}_high", metric.high, 0))


def _secret(uri: str) -> tuple[str, str]:
    """Return the user and the password that an address may carry, and what stands for them."""
    before, at, _ = urlsplit(uri).netloc.rpartition("@")
    return f"{before}{at}", ""
