"""What a request's records are scored with, and what is stored of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tabserve.core.records import Value
from tabserve.core.use_case import UseCase
from tabserve.serving.service import PredictRequest, predict
from tests.coroutines import run
from tests.definitions import DERIVED_OF_TRIP, TRIP, TRIPS
from tests.fakes.catalog import FakeCatalog
from tests.fakes.models import FakeModel, FakeModels
from tests.fakes.predictions import FakePredictions
from tests.fakes.serving import predict_dependencies


@dataclass
class Asked(FakeModel):
    """Remembers what it was asked."""

    columns: dict[str, Any] = field(default_factory=dict)

    def probabilities(self, columns: Mapping[str, Sequence[Value]], rows: int) -> list[list[float]]:
        self.columns |= columns
        return super().probabilities(columns, rows)


@dataclass
class One(FakeModels):
    """Serves one model."""

    model: FakeModel = field(default_factory=lambda: FakeModel([0.5, 0.5]))

    def champion(self, use_case: UseCase) -> FakeModel:
        return self.model


def test_a_model_is_asked_with_derived_features_and_they_are_stored_after_the_records_own() -> None:
    model, stored = Asked([0.2, 0.8]), FakePredictions()
    deps = predict_dependencies(stored, catalog=FakeCatalog([TRIPS]), models=One(model=model))
    run(predict(PredictRequest("r", "trips", "api", [TRIP]), deps))
    asked = {name: values for name, values in model.columns.items() if name in TRIPS.input_names}
    assert asked == {name: [value] for name, value in {**TRIP, **DERIVED_OF_TRIP}.items() if name in asked}
    assert set(TRIPS.input_names) <= model.columns.keys()
    [prediction] = stored.stored.values()
    assert list(prediction.features.items()) == [*TRIP.items(), *DERIVED_OF_TRIP.items()]
