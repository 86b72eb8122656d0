"""Counts in Prometheus' text format; only the route that answers them imports this."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from tabserve.serving.metrics import LATENCY_BUCKETS, Family


@dataclass(frozen=True, eq=False, slots=True)
class Counted(Collector):
    """What was counted elsewhere, over all instances."""

    families: Sequence[Family]

    def collect(self) -> Iterator[Metric]:
        """Yield each family."""
        for family in self.families:
            yield _histogram(family) if family.kind == "histogram" else _values(family)


def exposition(families: Sequence[Family]) -> bytes:
    """Write families as Prometheus reads them."""
    registry = CollectorRegistry()
    registry.register(Counted(families))
    return generate_latest(registry)


def _values(family: Family) -> Metric:
    kind = CounterMetricFamily if family.kind == "counter" else GaugeMetricFamily
    metric = kind(family.name, family.help, labels=family.labels)
    for *labels, value in family.rows:
        metric.add_metric(list(map(str, labels)), float(value or 0))
    return metric


def _histogram(family: Family) -> Metric:
    metric = HistogramMetricFamily(family.name, family.help, labels=family.labels)
    for label, group in groupby(family.rows, itemgetter(0)):
        counted = list(group)
        below = [sum(number for _, bucket, number, _ in counted if bucket <= bound) for bound in LATENCY_BUCKETS]
        bounds = ["+Inf" if math.isinf(bound) else f"{bound:g}" for bound in LATENCY_BUCKETS]
        metric.add_metric([label], list(zip(bounds, below, strict=True)), sum(total for *_, total in counted))
    return metric
