"""Scoring alone: the exported model beside the pipeline it was exported from."""

import io
import statistics
import time
from collections.abc import Callable, Mapping, Sequence

import joblib

import training
from benchmarks.built import artifacts
from benchmarks.measurement import Measurement
from local_cloud.config import REGISTRY
from tabserve.core import service as common
from tabserve.core.records import Value
from tabserve.core.settings import read_settings
from tabserve.core.use_case import UseCase
from tabserve.registry.version import PIPELINE
from tabserve.training.pipeline import SklearnModel

ROUNDS = 11
SIZES = {1: 50, 5_000: 5}
LIMITS = {1: 0.1, 5_000: 1.5}
PEER = "scikit-learn pipeline"


def measurements() -> list[Measurement]:
    """Measure one record and a full call, for every bundled use case."""
    artifacts()  # trains what has no champion
    catalog = common.catalog(read_settings())
    return [found for name in catalog.names() for found in _measure(catalog.get(name))]


def _measure(use_case: UseCase) -> list[Measurement]:
    registry = training.folder_registry(REGISTRY)
    exported = registry.champion(use_case)
    pipeline = joblib.load(io.BytesIO(registry.file(use_case.name, exported.version, PIPELINE)))
    original = SklearnModel(use_case, pipeline)
    rows = training.labelled_data(use_case).training
    found = []
    for count, calls in SIZES.items():
        columns: Mapping[str, Sequence[Value]] = {
            name: (list(values) * (count // len(values) + 1))[:count] for name, values in rows.columns.items()
        }
        times = _interleaved(
            [lambda: exported.probabilities(columns, count), lambda: original.score(columns, count)],  # noqa: B023
            calls,
        )
        name = f"score {count} record{'s'[: count > 1]}, {use_case.name}"
        found.append(Measurement(name, times[0], "ms", LIMITS[count], PEER, times[1]))
    return found


def _interleaved(functions: list[Callable[[], object]], calls: int) -> list[float]:
    """Return the median milliseconds a call of each takes, measured in turns."""
    times: list[list[float]] = [[] for _ in functions]
    for number in range(ROUNDS + 1):
        for place, function in enumerate(functions):
            started = time.perf_counter()
            for _ in range(calls):
                function()
            if number:
                times[place].append((time.perf_counter() - started) / calls * 1e3)
    return [statistics.median(found) for found in times]
