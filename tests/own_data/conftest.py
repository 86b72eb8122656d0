"""One use case after another on the real functions, on an emulated AWS and a PostgreSQL of its own."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

import training
from tabserve.core.service import catalog
from tabserve.core.settings import read_settings
from tabserve.core.use_case import UseCase
from tabserve.registry.build import registry
from tabserve.training.service import Trained, split
from tests import synthetic
from tests.conftest import create_database
from tests.factories import API_KEY
from tests.lambdas import emulated, started

BUCKETS = ("raw", "good", "bad", "artifacts")
CATALOG = catalog(read_settings())
_numbers = itertools.count(1)


@dataclass(frozen=True)
class World:
    """A use case with a champion, its data as a file, and the stack that serves it."""

    use_case: UseCase
    trained: Trained
    data: Path
    folder: Path
    database_url: str
    s3: Any
    monkeypatch: pytest.MonkeyPatch

    def function(self, name: str) -> Any:
        """Return a function's module, built anew from this world's settings."""
        return started(name, self.monkeypatch)

    def client(self) -> TestClient:
        """Return a client of the API, with the key."""
        app = self.function("predict")
        app.app.state.service = app.service
        return TestClient(app.app, headers={"x-api-key": API_KEY})


@pytest.fixture(scope="module", params=CATALOG.names())
def use_case(request: pytest.FixtureRequest) -> UseCase:
    return CATALOG.get(request.param)


@pytest.fixture(scope="module")
def world(use_case: UseCase, postgres_server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The use case's stack, with a model trained on made-up rows, whatever accuracy it asks for."""
    folder = tmp_path_factory.mktemp(use_case.name)
    url = create_database(postgres_server, f"own_data_{next(_numbers)}", "template_tabserve")
    with pytest.MonkeyPatch.context() as monkeypatch, emulated(buckets=BUCKETS, tables=("features",)) as aws:
        settings = {"DATABASE_URL": url, "API_KEY": API_KEY, "FEATURES_TABLE": "features", "DEFAULT_USE_CASE": ""}
        settings |= {f"{bucket.upper()}_BUCKET": bucket for bucket in BUCKETS}
        settings["FEATURES_QUEUE_URL"] = aws.sqs.create_queue(QueueName="features")["QueueUrl"]
        for name, value in settings.items():
            monkeypatch.setenv(name, value)
        made = synthetic.dataset(use_case)
        easy = use_case.model_copy(update={"training": use_case.training.model_copy(update={"acceptance": {}})})
        rows = split(easy, made, None)
        trained = training.train_use_case(easy, rows, registry(read_settings()), promote=True)
        yield World(
            use_case,
            trained,
            synthetic.write(made, folder / "rows.csv", use_case.format),
            folder,
            url,
            aws.s3,
            monkeypatch,
        )
