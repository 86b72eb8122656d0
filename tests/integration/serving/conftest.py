import pytest

from tabserve.serving.ports import PredictionStore
from tabserve.serving.store import prediction_store
from tests.fakes.predictions import FakePredictions


@pytest.fixture
def store(any_url: str) -> PredictionStore:
    """Every store of predictions in turn: they all keep the same contract."""
    return prediction_store(any_url) if any_url else FakePredictions()
