from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tabserve.core.settings import read_settings
from tabserve.serving.explain import ExplainDependencies
from tabserve.serving.files import FilesDependencies
from tabserve.serving.group_commit import GroupCommit
from tabserve.serving.service import PredictDependencies
from tests.definitions import CATALOG
from tests.factories import API_KEY
from tests.fakes.ingestion import FakeIngestions
from tests.fakes.models import FakeModels, FakeReferences
from tests.fakes.objects import FakeLinks, FakeObjects
from tests.fakes.predictions import FakeFeatures, FakePredictions, FakeQueue


@pytest.fixture
def predictions() -> FakePredictions:
    return FakePredictions()


@pytest.fixture
def features() -> FakeFeatures:
    return FakeFeatures()


@pytest.fixture
def results() -> FakeQueue:
    return FakeQueue()


@pytest.fixture
def references() -> FakeReferences:
    return FakeReferences()


@pytest.fixture
def ingestions() -> FakeIngestions:
    return FakeIngestions()


@pytest.fixture
def artifacts() -> FakeObjects:
    return FakeObjects()


@pytest.fixture
def app_module(
    monkeypatch: pytest.MonkeyPatch,
    predictions: FakePredictions,
    features: FakeFeatures,
    results: FakeQueue,
    references: FakeReferences,
    ingestions: FakeIngestions,
    artifacts: FakeObjects,
) -> Any:
    """The function's module as deployed, its adapters replaced by fakes."""
    monkeypatch.setenv("DATABASE_URL", "sqlite:////nowhere/unused.db")
    monkeypatch.setenv("API_KEY", API_KEY)
    monkeypatch.setenv("DEFAULT_USE_CASE", "titanic")
    monkeypatch.setenv("ARTIFACTS_BUCKET", "")
    from functions.predict import app as module

    ticks = (datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=second) for second in range(10**6))
    models, clock = FakeModels(), lambda: next(ticks)
    writer = GroupCommit(predictions)
    deps = PredictDependencies(CATALOG, models, predictions, writer, features, clock)
    explain = ExplainDependencies(deps.catalog, models, references)
    files = FilesDependencies(deps.catalog, FakeLinks("raw"), FakeLinks("artifacts"), ingestions.find)
    replaced: dict[str, Any] = {
        "settings": read_settings(),
        "deps": deps,
        "registry": models,
        "results": results,
        "large_answers": lambda: artifacts,
        "explain": lambda: explain,
        "files": files,
    }
    service = replace(module.service, **replaced)
    module.app.state.service = service
    return module


@pytest.fixture
def client(app_module: Any) -> TestClient:
    """A client with the key."""
    return TestClient(app_module.app, headers={"x-api-key": API_KEY}, raise_server_exceptions=False)


@pytest.fixture
def post(client: TestClient) -> Callable[..., Any]:
    """Post to /predict and return status and body."""

    def post(content: object) -> tuple[int, dict[str, Any]]:
        response = client.post("/predict", json=content)
        return response.status_code, response.json()

    return post
