import pytest

from tabserve.serving.ports import PredictionStore
from tabserve.serving.store import prediction_store
from tests.fakes.predictions import FakePredictions


@pytest.fixture(params=["postgresql", "sqlite", "fake"])
def url(request: pytest.FixtureRequest) -> str:
    """The database of `store`; the fake has none."""
    fixtures = {"postgresql": "postgres_url", "sqlite": "sqlite_url"}
    return request.getfixturevalue(fixtures[request.param]) if request.param in fixtures else ""


@pytest.fixture
def store(url: str) -> PredictionStore:
    """Every store of predictions in turn: they all keep the same contract."""
    return prediction_store(url) if url else FakePredictions()
