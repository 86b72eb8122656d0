"""Metrics: what is counted, and how Prometheus reads it."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

Kind = Literal["counter", "gauge", "histogram"]
LATENCY_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, math.inf)
ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})


@dataclass(frozen=True, slots=True)
class Sample:
    """One value with its labels; `suffix` tells the series of a histogram apart."""

    labels: Mapping[str, str]
    value: float
    suffix: str = ""


@dataclass(frozen=True, slots=True)
class Family:
    """All samples of one metric."""

    name: str
    kind: Kind
    help: str
    samples: Sequence[Sample]


@dataclass(frozen=True, slots=True, order=True)
class RequestCount:
    """Requests of one route with one status whose time fell into one latency bucket, and their seconds together."""

    route: str
    status: int
    bucket: float
    requests: int
    seconds: float


def request_families(counts: Iterable[RequestCount]) -> list[Family]:
    """Return how many requests there were, by route and status, and how long they took, by route."""
    by_route = [(route, list(group)) for route, group in groupby(sorted(counts), lambda count: count.route)]
    requests = [
        Sample({"route": route, "status": str(status)}, sum(count.requests for count in same))
        for route, group in by_route
        for status, same in groupby(group, lambda count: count.status)
    ]
    seconds = [sample for route, group in by_route for sample in _histogram(route, group)]
    return [
        Family("tabserve_requests_total", "counter", "Requests answered by the API.", requests),
        Family("tabserve_request_seconds", "histogram", "Time to answer a request.", seconds),
    ]


def _histogram(route: str, counts: Sequence[RequestCount]) -> Iterator[Sample]:
    for bound in LATENCY_BUCKETS:
        below = sum(count.requests for count in counts if count.bucket <= bound)
        yield Sample({"route": route, "le": _number(bound)}, below, "_bucket")
    yield Sample({"route": route}, sum(count.seconds for count in counts), "_sum")
    yield Sample({"route": route}, sum(count.requests for count in counts), "_count")


def exposition(families: Iterable[Family]) -> str:
    """Write families in Prometheus' text format, version 0.0.4."""
    lines: list[str] = []
    for family in families:
        lines += [f"# HELP {family.name} {family.help}", f"# TYPE {family.name} {family.kind}"]
        lines += [
            f"{family.name}{sample.suffix}{_labels(sample.labels)} {_number(sample.value)}" for sample in family.samples
        ]
    return "\n".join([*lines, ""])


def _labels(labels: Mapping[str, str]) -> str:
    pairs = ",".join(f'{name}="{value.translate(ESCAPES)}"' for name, value in labels.items())
    return f"{{{pairs}}}" if pairs else ""


def _number(value: float) -> str:
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return str(int(value)) if value == int(value) else repr(value)
