from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tabserve.core.settings import read_settings
from tabserve.serving.build import NEEDS, OPTIONAL
from tests.factories import API_KEY
from tests.fakes.ingestion import FakeIngestions
from tests.fakes.models import FakeReferences
from tests.fakes.objects import FakeObjects
from tests.fakes.predictions import FakeFeatures, FakePredictions, FakeQueue
from tests.fakes.registry import UnloadedRegistry
from tests.fakes.serving import predict_dependencies


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
def registry() -> UnloadedRegistry:
    return UnloadedRegistry(FakeObjects())


@pytest.fixture
def app_module(
    monkeypatch: pytest.MonkeyPatch,
    predictions: FakePredictions,
    features: FakeFeatures,
    results: FakeQueue,
    references: FakeReferences,
    ingestions: FakeIngestions,
    artifacts: FakeObjects,
    registry: UnloadedRegistry,
) -> Any:
    """The function's module as deployed, its adapters replaced by fakes."""
    monkeypatch.setenv("DATABASE_URL", "sqlite:////nowhere/unused.db")
    monkeypatch.setenv("API_KEY", API_KEY)
    monkeypatch.setenv("DEFAULT_USE_CASE", "titanic")
    monkeypatch.setenv("ARTIFACTS_BUCKET", "")
    from functions.predict import app as module

    ticks = (datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=second) for second in range(10**6))
    deps = predict_dependencies(
        predictions,
        settings=read_settings(NEEDS, OPTIONAL),  # the module may have been imported under others
        features=features,
        references=lambda: references,
        find_file=ingestions.find,
        results=results,
        large_answers=lambda: artifacts,
        registry=lambda: registry,
        clock=lambda: next(ticks),
    )
    module.app.state.service = replace(module.service, deps=deps)
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
