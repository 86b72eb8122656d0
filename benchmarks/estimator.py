"""Scoring alone: the exported model beside the pipeline it was exported from."""

import io
from collections.abc import Mapping, Sequence
from functools import partial

import joblib

import training
from benchmarks.built import artifacts
from benchmarks.measurement import Measurement, medians, timed
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
    vocabulary = dict(registry.metadata(use_case.name, exported.version).vocabulary)
    original = SklearnModel(use_case, pipeline, vocabulary)
    rows = training.labelled_data(use_case).training
    found = []
    for count, calls in SIZES.items():
        columns: Mapping[str, Sequence[Value]] = {
            name: (list(values) * (count // len(values) + 1))[:count] for name, values in rows.columns.items()
        }
        works = (partial(exported.score, columns, count), partial(original.score, columns, count))
        own, peer = medians([[timed(work, calls) for work in works] for _ in range(ROUNDS + 1)][1:])
        name = f"score {count} record{'s'[: count > 1]}, {use_case.name}"
        found.append(Measurement(name, own, "ms", LIMITS[count], PEER, peer))
    return found
