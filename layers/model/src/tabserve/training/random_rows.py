"""Random records of a use case, valid or not: what an export is compared on besides the held-out rows."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np
from numpy.random import Generator

from tabserve.core import dates
from tabserve.core.derivation import with_derived
from tabserve.core.features import BooleanFeature, CategoryFeature, DateFeature, Feature, NumberFeature
from tabserve.core.records import Value
from tabserve.core.use_case import UseCase
from tabserve.training.dataset import Array, has_value

RANDOM_ROWS: Final = 100_000
MOST_CELLS: Final = 20_000_000  # of the random rows; above 200 columns there are fewer rows
CELLS_AT_ONCE: Final = 500_000
SHARE_MISSING: Final = 0.1
SHARE_UNKNOWN: Final = 0.1
SHARE_SEEN: Final = 0.5
BEYOND: Final = 0.1  # of the range that was seen, where the definition sets no limit
UNKNOWN: Final = ("unknown", "UNKNOWN ", "é", "0x1", "-1")
OFFSETS: Final = ("", "+00:00", "+05:30", "-09:00")
DAYS: Final = (datetime(1990, 1, 1, tzinfo=UTC), datetime(2030, 1, 1, tzinfo=UTC))  # where none were seen

Columns = Mapping[str, Sequence[Value]]


def random_count(use_case: UseCase) -> int:
    """Return how many random rows to compare."""
    return min(RANDOM_ROWS, MOST_CELLS // _width(use_case))


def random_rows(
    use_case: UseCase, seen: Mapping[str, Array], seed: int, *, only_valid: bool = False
) -> Iterator[tuple[Columns, int]]:
    """Draw records by column and derive from them what the model takes; yield pieces with their numbers of rows.

    Half of the values were seen before, since trees cut next to those; a tenth of the categories are unknown ones, and
    a tenth of all values are missing; of `only_valid` rows only where the definition lets them be.
    """
    generator = np.random.default_rng(seed)
    known = {each.name: seen[each.name][has_value(seen[each.name])] for each in use_case.features}
    count, most = random_count(use_case), max(1, CELLS_AT_ONCE // _width(use_case))
    for start in range(0, count, most):
        rows = min(most, count - start)
        columns = {
            each.name: _column(each, known[each.name], rows, generator, only_valid=only_valid)
            for each in use_case.features
        }
        yield with_derived(use_case, columns), rows


def _width(use_case: UseCase) -> int:
    return len({*use_case.feature_names, *use_case.input_names})


def _column(feature: Feature, known: Array, count: int, generator: Generator, *, only_valid: bool) -> list[Value]:
    match feature:
        case NumberFeature():
            values = _numbers(feature, known, count, generator)
        case BooleanFeature():
            values = (generator.random(count) < 0.5).tolist()
        case CategoryFeature():
            categories = feature.categories or tuple(dict.fromkeys(known))
            values = _categories(categories, count, generator, known_ones=only_valid and not feature.is_open)
        case DateFeature():
            values = _dates(feature, known, count, generator)
        case _:
            values = _texts(known, count, generator)
    if not (only_valid and feature.required):
        for place in np.flatnonzero(generator.random(count) < SHARE_MISSING):
            values[place] = None
    return values


def _numbers(feature: NumberFeature, known: Array, count: int, generator: Generator) -> list[Value]:
    low, high = (known.min(), known.max()) if len(known) else (0.0, 1.0)
    beyond = BEYOND * ((high - low) or 1.0)
    lowest = feature.minimum if feature.has_minimum else low - beyond
    highest = feature.maximum if feature.has_maximum else max(high, lowest) + beyond
    numbers = generator.uniform(min(lowest, highest), highest, count)
    numbers = np.round(numbers) if feature.type == "integer" else numbers
    if len(known):
        numbers = np.where(generator.random(count) < SHARE_SEEN, generator.choice(known, count), numbers)
    listed: list[Value] = numbers.tolist()
    return listed


def _categories(categories: Sequence[Value], count: int, generator: Generator, *, known_ones: bool) -> list[Value]:
    values: list[Value] = [categories[place] for place in generator.integers(0, len(categories), count)]
    if known_ones:
        return values
    for place in np.flatnonzero(generator.random(count) < SHARE_UNKNOWN):
        values[place] = UNKNOWN[generator.integers(0, len(UNKNOWN))]
    return values


def _dates(feature: DateFeature, known: Array, count: int, generator: Generator) -> list[Value]:
    """Draw times from the range that was seen, written with one offset or another, and times that were seen."""
    instants = [dates.instant(feature, text) for text in set(known)] or list(DAYS)
    first, days = min(instants), (max(instants) - min(instants)) / timedelta(days=1) or 1.0
    drawn = generator.random(count) * days
    offsets = generator.integers(0, len(OFFSETS), count)
    again = generator.random(count) < SHARE_SEEN if len(known) else np.zeros(count, dtype=bool)
    places = generator.integers(0, max(1, len(known)), count)
    return [
        known[places[place]] if again[place] else _iso(feature, first + timedelta(days=drawn[place]), offset)
        for place, offset in enumerate(map(OFFSETS.__getitem__, offsets))
    ]


def _iso(feature: DateFeature, moment: datetime, offset: str) -> str:
    if feature.type == "date":
        return moment.date().isoformat()
    return moment.replace(tzinfo=None, microsecond=0).isoformat() + offset


def _texts(known: Array, count: int, generator: Generator) -> list[Value]:
    """Draw texts that were seen, some of them cut short."""
    seen = [*known] or [*UNKNOWN]
    values = [seen[place] for place in generator.integers(0, len(seen), count)]
    for place in np.flatnonzero(generator.random(count) < SHARE_UNKNOWN):
        values[place] = values[place][: generator.integers(1, len(values[place]) + 1)]
    return values
