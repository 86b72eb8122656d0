"""Prometheus reads the same from what is counted as it did before a library wrote it."""

import math

from prometheus_client.parser import text_string_to_metric_families

from functions.predict.exposition import exposition
from tabserve.serving.metrics import Family, RequestCount, request_families

COUNTS = [
    RequestCount("/predict", 200, 0.005, 3, 0.012),
    RequestCount("/predict", 503, math.inf, 1, 20.0),
]
FAMILIES = [
    Family(
        "tabserve_files_total",
        "counter",
        "Raw files judged.",
        ("use_case", "status", "criticality"),
        [('quo"te\\\n', "done", "low", 3)],
    ),
    Family("tabserve_alerts_total", "counter", "Alert transitions.", ("rule", "state", "severity"), []),
    Family("tabserve_pending_files", "gauge", "Good files without predictions.", (), [(2,)]),
    *request_families(COUNTS),
]
KEPT = r"""
# HELP tabserve_files_total Raw files judged.
# TYPE tabserve_files_total counter
tabserve_files_total{use_case="quo\"te\\\n",status="done",criticality="low"} 3
# HELP tabserve_alerts_total Alert transitions.
# TYPE tabserve_alerts_total counter
# HELP tabserve_pending_files Good files without predictions.
# TYPE tabserve_pending_files gauge
tabserve_pending_files 2
# HELP tabserve_requests_total Requests answered by the API.
# TYPE tabserve_requests_total counter
tabserve_requests_total{route="/predict",status="200"} 3
tabserve_requests_total{route="/predict",status="503"} 1
# HELP tabserve_request_seconds Time to answer a request.
# TYPE tabserve_request_seconds histogram
tabserve_request_seconds_bucket{route="/predict",le="0.001"} 0
tabserve_request_seconds_bucket{route="/predict",le="0.0025"} 0
tabserve_request_seconds_bucket{route="/predict",le="0.005"} 3
tabserve_request_seconds_bucket{route="/predict",le="0.01"} 3
tabserve_request_seconds_bucket{route="/predict",le="0.025"} 3
tabserve_request_seconds_bucket{route="/predict",le="0.05"} 3
tabserve_request_seconds_bucket{route="/predict",le="0.1"} 3
tabserve_request_seconds_bucket{route="/predict",le="0.25"} 3
tabserve_request_seconds_bucket{route="/predict",le="0.5"} 3
tabserve_request_seconds_bucket{route="/predict",le="1"} 3
tabserve_request_seconds_bucket{route="/predict",le="2.5"} 3
tabserve_request_seconds_bucket{route="/predict",le="5"} 3
tabserve_request_seconds_bucket{route="/predict",le="10"} 3
tabserve_request_seconds_bucket{route="/predict",le="+Inf"} 4
tabserve_request_seconds_sum{route="/predict"} 20.012
tabserve_request_seconds_count{route="/predict"} 4
"""


def read(text: str) -> dict[tuple[str, str, str], dict[tuple[str, frozenset[tuple[str, str]]], float]]:
    """Return the values by metric, and by series and labels in it."""
    return {
        (family.name, family.type, family.documentation): {
            (sample.name, frozenset(sample.labels.items())): sample.value for sample in family.samples
        }
        for family in text_string_to_metric_families(text)
    }


def test_names_types_labels_buckets_and_values_stay() -> None:
    text = exposition(FAMILIES).decode()

    assert read(text) == read(KEPT)
    assert [line for line in text.splitlines() if line.startswith("# ")] == [
        line for line in KEPT.splitlines() if line.startswith("# ")
    ]
