"""Compute derived features: the one code that training, functions and batches do it by.

Columns are lists, None where a value is missing; what is computed from a missing value is missing, but `present`.
"""

import math
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import re2

from tabserve.core import dates
from tabserve.core.derived import (
    WEEKDAYS,
    Bins,
    DaysBetween,
    Derived,
    Extract,
    Part,
    Present,
    Product,
    Ratio,
    Sum,
    in_order,
)
from tabserve.core.features import DateFeature
from tabserve.core.records import Value
from tabserve.core.use_case import UseCase

Column = Sequence[Value]
DAY = 86_400.0
EPOCH = datetime(1970, 1, 1).toordinal()  # noqa: DTZ001  a day, whatever the zone
PARTS: Mapping[str, Callable[[datetime], Value]] = {
    "year": lambda at: at.year,
    "quarter": lambda at: (at.month + 2) // 3,
    "month": lambda at: at.month,
    "day": lambda at: at.day,
    "weekday": lambda at: WEEKDAYS[at.weekday()],
    "hour": lambda at: at.hour,
    "epoch_days": lambda at: at.toordinal() - EPOCH,
}


def with_derived(use_case: UseCase, columns: Mapping[str, Sequence[Value]]) -> dict[str, list[Value]]:
    """Return columns of valid values together with those that are derived from them."""
    found: dict[str, Any] = dict(columns)
    dated = {feature.name: feature for feature in use_case.features if isinstance(feature, DateFeature)}
    for each in in_order(use_case.derived):
        found[each.name] = _computed(each, [found[name] for name in each.sources], dated)
    return found


def _computed(derived: Derived, sources: Sequence[Column], dated: Mapping[str, DateFeature]) -> list[Value]:
    match derived:
        case Present():
            return [value is not None for value in sources[0]]
        case Bins():
            labels, edges = derived.labels, derived.bins.edges
            return _mapped(lambda value: labels[bisect_right(edges, value)], sources)
        case Extract():
            return _mapped(_finder(derived), sources)
        case Part():
            feature, part = dated[derived.part.of], PARTS[derived.part.unit]
            return _mapped(_within_calendar(lambda text: part(dates.moment(feature, text))), sources)
        case DaysBetween():
            first, second = (dated[name] for name in derived.days_between)
            days = lambda a, b: (dates.instant(second, b) - dates.instant(first, a)).total_seconds() / DAY  # noqa: E731
            return _mapped(_within_calendar(days), sources)
        case Ratio():
            return _numbers(lambda a, b: a / b if b else math.nan, sources)
        case Product():
            return _numbers(lambda *factors: math.prod(factors, start=1.0), sources)
        case Sum():
            plus = float(derived.plus)
            return _numbers(lambda *terms: sum(terms, plus), sources)


def _mapped(compute: Callable[..., Value], sources: Sequence[Column]) -> list[Value]:
    if len(sources) == 1:
        return [None if value is None else compute(value) for value in sources[0]]
    return [None if None in values else compute(*values) for values in zip(*sources, strict=True)]


def _within_calendar(compute: Callable[..., Value]) -> Callable[..., Value]:
    """Compute something of times; one that another timezone would take out of the calendar is missing."""

    def found(*texts: str) -> Value:
        try:
            return compute(*texts)
        except OverflowError:
            return None

    return found


def _numbers(compute: Callable[..., float], sources: Sequence[Column]) -> list[Value]:
    """Compute numbers, from 22 as from 22.0; what 64 bits do not hold is missing."""

    def finite(*values: float) -> Value:
        try:
            number = compute(*map(float, values))
        except OverflowError:
            return None
        return number if math.isfinite(number) else None

    return _mapped(finite, sources)


def _finder(derived: Extract) -> Callable[[str | int], Value]:
    pattern = re2.compile(derived.extract.pattern)
    group = 1 if pattern.groups else 0

    def find(text: str | int) -> Value:
        found = pattern.search(str(text))
        return (found.group(group) or None) if found else None

    return find
