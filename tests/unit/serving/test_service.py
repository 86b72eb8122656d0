"""What a request's records are scored with, and what is stored of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from threading import current_thread, main_thread
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tabserve.core.errors import DatabaseUnavailableError
from tabserve.core.records import Value
from tabserve.core.use_case import UseCase
from tabserve.registry.version import Interval
from tabserve.serving.answers import Served
from tabserve.serving.prediction import Prediction, PredictionBatch
from tabserve.serving.service import PredictRequest, predict
from tests.coroutines import run
from tests.definitions import DERIVED_OF_TRIP, RENT, RENTS, TRIP, TRIPS
from tests.fakes.catalog import FakeCatalog
from tests.fakes.models import FakeModel, FakeModels
from tests.fakes.predictions import FakePredictions
from tests.fakes.serving import predict_dependencies


@dataclass
class Asked(FakeModel):
    """Remembers what it was asked."""

    columns: dict[str, Any] = field(default_factory=dict)

    def score(self, columns: Mapping[str, Sequence[Value]], rows: int) -> NDArray[np.float64]:
        self.columns |= columns
        return super().score(columns, rows)


@dataclass
class One(FakeModels):
    """Serves one model."""

    model: FakeModel = field(default_factory=lambda: FakeModel([0.5, 0.5]))

    def champion(self, name: str) -> Served:
        return replace(super().champion(name), model=self.model)


def stored_of(use_case: UseCase, record: Mapping[str, Value], model: FakeModel) -> Prediction:
    """Return what is stored of a record that a model answers."""
    stored = FakePredictions()
    known = FakeCatalog([use_case])
    deps = predict_dependencies(stored, catalog=known, models=One(model=model, catalog=known))
    run(predict(PredictRequest("r", use_case.name, "api", [record]), deps))
    [prediction] = stored.stored.values()
    return prediction


@pytest.mark.parametrize(
    ("threshold", "probability", "answer"),
    [(0.3, 0.3, "yes"), (0.3, 0.29, "no"), (0.8, 0.79, "no"), (0.8, 0.8, "yes"), (None, 0.5, "no"), (None, 0.6, "yes")],
)
def test_the_positive_class_is_answered_from_the_versions_threshold_on(
    threshold: float | None, probability: float, answer: str
) -> None:
    found = stored_of(TRIPS, TRIP, FakeModel([1 - probability, probability], threshold=threshold))
    assert (found.prediction, found.probability) == (answer, probability)


def test_a_threshold_is_of_the_positive_class_even_where_that_comes_first() -> None:
    target = TRIPS.target.model_copy(update={"positive_class": "no"})
    found = stored_of(TRIPS.model_copy(update={"target": target}), TRIP, FakeModel([0.4, 0.6], threshold=0.4))
    assert found.prediction == "no"


@pytest.mark.parametrize(
    ("value", "half_width", "low", "high"),
    [(100.5, 10.0, 90.5, 110.5), (4.0, 10.0, 0.0, 14.0), (-20.0, 10.0, 0.0, 0.0), (9_995.0, 10.0, 9_985.0, 10_000.0)],
)
def test_a_number_is_stored_with_its_interval_cut_at_the_targets_limits(
    value: float, half_width: float, low: float, high: float
) -> None:
    found = stored_of(RENTS, RENT, FakeModel([value], interval=Interval(share=0.9, half_width=half_width)))
    assert (found.prediction, found.value, found.low, found.high) == (repr(value), value, low, high)
    assert (found.probability, found.probabilities) == (None, None)


def test_a_model_is_asked_with_derived_features_and_they_are_stored_after_the_records_own() -> None:
    model, stored = Asked([0.2, 0.8]), FakePredictions()
    known = FakeCatalog([TRIPS])
    deps = predict_dependencies(stored, catalog=known, models=One(model=model, catalog=known))
    run(predict(PredictRequest("r", "trips", "api", [TRIP]), deps))
    asked = {name: values for name, values in model.columns.items() if name in TRIPS.input_names}
    assert asked == {name: [value] for name, value in {**TRIP, **DERIVED_OF_TRIP}.items() if name in asked}
    assert set(TRIPS.input_names) <= model.columns.keys()
    [prediction] = stored.stored.values()
    assert list(prediction.features.items()) == [*TRIP.items(), *DERIVED_OF_TRIP.items()]


@dataclass
class Watched(FakePredictions):
    """Notes in which thread it is called."""

    in_main_thread: list[bool] = field(default_factory=list)

    def add(self, *batches: PredictionBatch) -> None:
        self.in_main_thread.append(current_thread() is main_thread())
        super().add(*batches)


@pytest.mark.parametrize("alone", [True, False])
def test_who_is_alone_writes_at_once_and_who_has_other_calls_in_a_thread(*, alone: bool) -> None:
    store = Watched()
    answer = run(predict(PredictRequest("r", "trips", "api", [TRIP]), deps_of(store), alone=alone))
    assert (store.in_main_thread, list(store.stored)) == ([alone], list(answer.batch.ids))
    store.unavailable = True
    with pytest.raises(DatabaseUnavailableError):
        run(predict(PredictRequest("r", "trips", "api", [TRIP]), deps_of(store), alone=alone))


def deps_of(store: FakePredictions) -> Any:
    known = FakeCatalog([TRIPS])
    return predict_dependencies(store, catalog=known, models=One(catalog=known))
