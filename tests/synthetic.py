"""Rows of any use case, made up from its definition: good ones, in which most cells tell the class."""

import csv
import math
import random
from collections.abc import Iterator
from pathlib import Path

from tabserve.core.features import CategoryFeature, Feature, NumberFeature
from tabserve.core.use_case import UseCase
from tabserve.training.dataset import Dataset

MISSING_SHARE = 0.05
MISLEADING_SHARE = 0.25


def dataset(use_case: UseCase, rows: int = 400, seed: int = 1) -> Dataset:
    """Return labelled rows with missing values in every optional column and something in every ignored one."""
    times = [use_case.event_time_column] if use_case.event_time_column else []
    header = (*use_case.required_columns, *use_case.ignore, *times, use_case.target.name)
    made = tuple(_row(use_case, number, random.Random(f"{seed} {number}"), len(times)) for number in range(rows))
    return Dataset(f"{use_case.name}.csv", header, made)


def write(data: Dataset, path: Path) -> Path:
    """Write rows as a CSV file."""
    with path.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows((data.header, *data.rows))
    return path


def _row(use_case: UseCase, number: int, chance: random.Random, times: int) -> tuple[str, ...]:
    place = number % len(use_case.target.classes)
    return (
        f"k{number}",
        *_cells(use_case, place, chance),
        *("anything, really" for _ in use_case.ignore),
        *(["2026-01-01T12:00:00Z"] * times),
        use_case.target.texts[place],
    )


def _cells(use_case: UseCase, place: int, chance: random.Random) -> Iterator[str]:
    for feature in use_case.features:
        if not feature.required and use_case.missing_values and chance.random() < MISSING_SHARE:
            yield chance.choice(use_case.missing_values)
        else:
            classes = len(use_case.target.classes)
            told = chance.randrange(classes) if chance.random() < MISLEADING_SHARE else place
            yield _cell(feature, (told + chance.random()) / classes, chance)


def _cell(feature: Feature, tendency: float, chance: random.Random) -> str:
    """Return a value as far along the feature's range, or its categories, as `tendency` says, from 0 to 1."""
    if isinstance(feature, CategoryFeature):
        return feature.texts[int(tendency * len(feature.texts))]
    assert isinstance(feature, NumberFeature)
    value = feature.minimum + tendency * (feature.maximum - feature.minimum)
    if feature.type == "number":
        return repr(value)
    return str(min(math.floor(feature.maximum), max(math.ceil(feature.minimum), round(value))))
