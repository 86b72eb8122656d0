import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tabserve.serving.metrics import Family, Meter, RequestCount, Sample, exposition, request_families


def test_families_are_written_as_prometheus_reads_them() -> None:
    families = [
        Family("a_total", "counter", "How many.", [Sample({"x": 'quo"te\\\n'}, 3.0), Sample({}, 0.25)]),
        Family("b", "gauge", "None yet.", []),
    ]

    assert exposition(families) == (
        "# HELP a_total How many.\n"
        "# TYPE a_total counter\n"
        'a_total{x="quo\\"te\\\\\\n"} 3\n'
        "a_total 0.25\n"
        "# HELP b None yet.\n"
        "# TYPE b gauge\n"
    )


def test_a_histogram_is_cumulative_over_statuses() -> None:
    counts = [
        RequestCount("/predict", 200, 0.005, 3, 0.012),
        RequestCount("/predict", 503, math.inf, 1, 20.0),
        RequestCount("/health", 200, 0.001, 2, 0.001),
    ]

    text = exposition(request_families(counts))

    assert 'tabserve_requests_total{route="/predict",status="200"} 3' in text
    assert 'tabserve_requests_total{route="/predict",status="503"} 1' in text
    assert 'tabserve_request_seconds_bucket{route="/predict",le="0.0025"} 0' in text
    assert 'tabserve_request_seconds_bucket{route="/predict",le="0.005"} 3' in text
    assert 'tabserve_request_seconds_bucket{route="/predict",le="10"} 3' in text
    assert 'tabserve_request_seconds_bucket{route="/predict",le="+Inf"} 4' in text
    assert 'tabserve_request_seconds_sum{route="/predict"} 20.012' in text
    assert 'tabserve_request_seconds_count{route="/predict"} 4' in text


@pytest.mark.parametrize(
    ("seconds", "bucket"), [(0, 0.001), (0.001, 0.001), (0.0011, 0.0025), (10, 10), (99, math.inf)]
)
def test_a_request_falls_into_the_first_bucket_that_holds_it(seconds: float, bucket: float) -> None:
    meter = Meter()
    meter.observe("/predict", 200, seconds)

    assert meter.take(0) == [RequestCount("/predict", 200, bucket, 1, seconds)]


def test_counts_are_taken_at_most_every_ten_seconds() -> None:
    meter = Meter()
    meter.observe("/predict", 200, 0.002)
    assert len(meter.take(100)) == 1
    meter.observe("/predict", 200, 0.002)
    meter.observe("/predict", 200, 0.002)

    assert meter.take(109) == ()
    assert meter.take(110) == [RequestCount("/predict", 200, 0.0025, 2, 0.004)]
    assert meter.take(200) == ()


@given(st.lists(st.tuples(st.sampled_from(["/a", "/b"]), st.sampled_from([200, 500]), st.floats(0, 20))))
def test_no_request_is_lost_when_counts_are_put_back(requests: list[tuple[str, int, float]]) -> None:
    meter = Meter(every_seconds=0)
    for now, request in enumerate(requests):
        meter.observe(*request)
        meter.put_back(meter.take(now))

    assert sum(count.requests for count in meter.take(1e9)) == len(requests)
