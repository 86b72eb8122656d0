import math

import pytest
from aws_lambda_powertools import Logger
from hypothesis import given
from hypothesis import strategies as st

from functions.predict.gate import Meter
from tabserve.serving.metrics import RequestCount
from tests.fakes.predictions import FakePredictions


@pytest.fixture
def store() -> FakePredictions:
    return FakePredictions()


@pytest.fixture
def meter(store: FakePredictions) -> Meter:
    return Meter(store, Logger("test"))


@pytest.mark.parametrize(
    ("seconds", "bucket"), [(0, 0.001), (0.001, 0.001), (0.0011, 0.0025), (10, 10), (99, math.inf)]
)
def test_a_request_falls_into_the_first_bucket_that_holds_it(
    meter: Meter, store: FakePredictions, seconds: float, bucket: float
) -> None:
    meter.observe("/predict", 200, seconds)
    meter.flush(0)

    assert store.counts == [RequestCount("/predict", 200, bucket, 1, seconds)]


def test_counts_are_stored_at_most_every_ten_seconds(meter: Meter, store: FakePredictions) -> None:
    for now in (100, 105, 109):
        meter.observe("/predict", 200, 0.002)
        meter.flush(now)
    assert len(store.counts) == 1
    meter.flush(110)
    meter.flush(200)

    assert store.counts[1:] == [RequestCount("/predict", 200, 0.0025, 2, 0.004)]


@given(st.lists(st.tuples(st.sampled_from(["/a", "/b"]), st.sampled_from([200, 500]), st.floats(0, 20), st.booleans())))
def test_no_request_is_lost_while_the_store_is_unavailable(requests: list[tuple[str, int, float, bool]]) -> None:
    store = FakePredictions()
    meter = Meter(store, Logger("test"))
    meter.every_seconds = 0
    for now, (route, status, seconds, store.unavailable) in enumerate(requests):
        meter.observe(route, status, seconds)
        meter.flush(now)
    store.unavailable = False
    meter.flush(1e9)

    assert sum(count.requests for count in store.counts) == len(requests)
