import math

from tabserve.serving.metrics import Family, RequestCount, Sample, exposition, request_families


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
