"""What is counted over all instances, for Prometheus."""

import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

LATENCY_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, math.inf)


@dataclass(frozen=True, slots=True)
class Family:
    """All samples of one metric; a row holds the values of the labels, then the value.

    A row of a histogram holds, after its labels, the upper bound of a bucket, how many fell into it, and their sum.
    """

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    help: str
    labels: Sequence[str]
    rows: Sequence[tuple[Any, ...]]


@dataclass(frozen=True, slots=True, order=True)
class RequestCount:
    """Requests of one route with one status whose time fell into one latency bucket, and their seconds together."""

    route: str
    status: int
    bucket: float
    requests: int
    seconds: float


def request_families(counts: Sequence[RequestCount]) -> list[Family]:
    """Return how many requests there were, by route and status, and how long they took, by route."""
    answered = Counter[tuple[str, int]]()
    fell = Counter[tuple[str, float]]()
    took = defaultdict[tuple[str, float], float](float)
    for count in counts:
        answered[count.route, count.status] += count.requests
        fell[count.route, count.bucket] += count.requests
        took[count.route, count.bucket] += count.seconds
    requests = [(*route_and_status, number) for route_and_status, number in sorted(answered.items())]
    seconds = [(*route_and_bucket, number, took[route_and_bucket]) for route_and_bucket, number in sorted(fell.items())]
    return [
        Family("tabserve_requests_total", "counter", "Requests answered by the API.", ("route", "status"), requests),
        Family("tabserve_request_seconds", "histogram", "Time to answer a request.", ("route",), seconds),
    ]
