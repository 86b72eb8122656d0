"""Rows of any use case, made up from its definition: good ones, in which most cells tell the class."""

import csv
import gzip
import math
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tabserve.core.features import BooleanFeature, CategoryFeature, DateFeature, Feature, NumberFeature, TextFeature
from tabserve.core.limits import FileFormat
from tabserve.core.use_case import UseCase
from tabserve.training.dataset import Dataset
from tabserve.training.validation import target_feature

MISSING_SHARE = 0.05
MISLEADING_SHARE = 0.25
DEFAULT = FileFormat()
SOME_TEXTS = ("north", "east", "south", "west")


def dataset(use_case: UseCase, rows: int = 400, seed: int = 1) -> Dataset:
    """Return labelled rows with missing values in every optional column and something in every ignored one."""
    times = [use_case.event_time_column] if use_case.event_time_column else []
    header = (*use_case.required_columns, *use_case.ignore, *times, use_case.target.name)
    made = tuple(_row(use_case, number, random.Random(f"{seed} {number}"), len(times)) for number in range(rows))
    return Dataset(f"{use_case.name}.csv", header, made)


def write(data: Dataset, path: Path, file_format: FileFormat = DEFAULT) -> Path:
    """Write rows as a CSV file."""
    opened = gzip.open if file_format.compression == "gzip" else open
    with opened(path, "wt", newline="", encoding=file_format.encoding) as stream:
        csv.writer(stream, delimiter=file_format.delimiter).writerows((data.header, *data.rows))
    return path


def _row(use_case: UseCase, number: int, chance: random.Random, times: int) -> tuple[str, ...]:
    truth = _Truth(len(use_case.target.classes), number, chance)
    return (
        *(f"k{number}" for _ in use_case.id_columns),
        *_cells(use_case, truth, chance),
        *("anything, really" for _ in use_case.ignore),
        *(["2026-01-01T12:00:00Z"] * times),
        use_case.target.texts[truth.place]
        if use_case.target.classes
        else _number(use_case, target_feature(use_case), truth.level),
    )


class _Truth:
    """What a row's target is: a class, or how far along its range a number is; its cells tend to it."""

    def __init__(self, classes: int, number: int, chance: random.Random) -> None:
        self._classes, self._chance = classes, chance
        self.place = number % classes if classes else 0
        self.level = chance.random()

    def tendency(self) -> float:
        """Return from 0 to 1 how far along its range a cell is."""
        chance, misleading = self._chance, self._chance.random() < MISLEADING_SHARE
        if self._classes:
            told = chance.randrange(self._classes) if misleading else self.place
            return (told + chance.random()) / self._classes
        return chance.random() if misleading else self.level


def _cells(use_case: UseCase, truth: _Truth, chance: random.Random) -> Iterator[str]:
    for feature in use_case.features:
        if not feature.required and use_case.missing_values and chance.random() < MISSING_SHARE:
            yield chance.choice(use_case.missing_values)
        else:
            yield _cell(use_case, feature, truth.tendency())


def _cell(use_case: UseCase, feature: Feature, tendency: float) -> str:
    """Return a value as far along the feature's range, or its categories, as `tendency` says, from 0 to 1."""
    match feature:
        case CategoryFeature() | BooleanFeature():
            texts = feature.texts or SOME_TEXTS
            return texts[int(tendency * len(texts))]
        case DateFeature():
            moment = datetime(2026, 1, 1, 12, tzinfo=UTC) + timedelta(days=int(365 * tendency))
            day = moment.date() if feature.type == "date" else moment.replace(tzinfo=None)
            return moment.strftime(feature.format) if feature.format else day.isoformat()
        case TextFeature():  # patterns find something in the example
            return str(use_case.example.get(feature.name, SOME_TEXTS[int(tendency * len(SOME_TEXTS))]))
    return _number(use_case, feature, tendency)


def _number(use_case: UseCase, feature: NumberFeature, tendency: float) -> str:
    low, high = feature.usual or (feature.minimum, feature.maximum)
    low = low if feature.usual or feature.has_minimum else 0.0
    high = high if feature.usual or feature.has_maximum else low + 100
    value = low + tendency * (high - low)
    if feature.type == "number":
        return repr(value).replace(".", use_case.format.decimal)
    return str(min(math.floor(high), max(math.ceil(low), round(value))))
