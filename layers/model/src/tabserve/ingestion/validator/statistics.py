"""Statistics of a file's columns, gathered chunk by chunk in bounded memory."""

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from typing import Final

import polars as pl

from tabserve.core.features import BooleanFeature, CategoryFeature, DateFeature, Feature, NumberFeature
from tabserve.core.rules import BOOLEANS
from tabserve.core.use_case import UseCase
from tabserve.ingestion.validation_result import ColumnStatistics
from tabserve.ingestion.validator.date_cells import DateCells
from tabserve.ingestion.validator.schema import number, with_point

SAMPLE_ROWS: Final = 10_000
QUANTILES: Final = (0.05, 0.25, 0.5, 0.75, 0.95)
TOP: Final = 10
COUNTED: Final = 20_000  # distinct values of an open category; beyond, the rarer half is forgotten
OUTER: Final = (0.01, 0.99)
BINS: Final = 12
TEXT_OF_BOOLEAN: Final = {cell: "true" if value else "false" for cell, value in BOOLEANS.items()}


@dataclass(slots=True)
class Statistics:
    """Count, missing, minimum, mean and maximum are exact; quantiles come from a sample of the rows.

    What no float can hold, the mean of numbers at the end of their range, is left out.

    The sample is the rows whose number has the smallest hashes, so it does not depend on how the file was cut.
    """

    use_case: UseCase
    date_cells: Mapping[str, DateCells]
    _count: int = 0
    _missing: Counter[str] = field(default_factory=Counter)
    _present: Counter[str] = field(default_factory=Counter)
    _top: dict[str, Counter[str]] = field(default_factory=dict)
    _forgot: set[str] = field(default_factory=set)
    _times: dict[str, tuple[datetime, datetime]] = field(default_factory=dict)
    _moments: dict[str, tuple[int, float, float, float]] = field(default_factory=dict)
    _unusual: Counter[str] = field(default_factory=Counter)
    _sample: pl.DataFrame | None = None

    def add(self, cells: pl.DataFrame, accepted: pl.DataFrame, row_numbers: pl.Series) -> None:
        """Take in the cells of a chunk; only accepted ones count as values."""
        self._count += len(cells)
        if not self.use_case.features:
            return
        names = [feature.name for feature in self.use_case.features]
        is_missing = cells.select(pl.col(names).is_in(list(self.use_case.missing_values)))
        self._missing.update(is_missing.sum().row(0, named=True))
        present = pl.select(accepted[name] & ~is_missing[name] for name in names)
        self._present.update(present.sum().row(0, named=True))
        numbers = []
        for feature in self.use_case.features:
            name = feature.name
            if isinstance(feature, NumberFeature):
                value = number(with_point(pl.lit(cells[name]), self.use_case.format.decimal))
                numbers.append(pl.when(present[name]).then(value).alias(name))
            elif isinstance(feature, DateFeature):
                self._add_times(name, cells[name].filter(present[name]))
            elif isinstance(feature, CategoryFeature | BooleanFeature):
                self._add_counts(feature, cells[name].filter(present[name]))
        if numbers:
            values = pl.select(numbers)
            self._add_moments(values)
            self._keep_sample(values, row_numbers)

    def result(self) -> tuple[ColumnStatistics, ...]:
        """Return the statistics of every feature, in the order of the use case."""
        return tuple(map(self._of, self.use_case.features))

    def _add_counts(self, feature: CategoryFeature | BooleanFeature, values: pl.Series) -> None:
        if isinstance(feature, BooleanFeature):
            values = values.str.to_lowercase().replace(TEXT_OF_BOOLEAN)
        counts = values.value_counts()
        counter = self._top.setdefault(feature.name, Counter())
        if len(counts) > COUNTED:
            counts = counts.top_k(COUNTED, by=["count", values.name])
            self._forgot.add(feature.name)
        counter.update(dict(counts.iter_rows()))
        if len(counter) > 2 * COUNTED:
            self._top[feature.name] = Counter(dict(counter.most_common(COUNTED)))
            self._forgot.add(feature.name)

    def _add_times(self, name: str, values: pl.Series) -> None:
        times = self.date_cells[name].read(values.unique()).drop_nulls()
        if len(times):
            known = self._times.get(name, (times.min(), times.max()))
            self._times[name] = min(known[0], times.min()), max(known[1], times.max())  # type: ignore[type-var,assignment]

    def _add_moments(self, values: pl.DataFrame) -> None:
        found = (values.select(getattr(pl.all(), what)()).row(0) for what in ("count", "sum", "min", "max"))
        for name, n, total, low, high in zip(values.columns, *found, strict=True):
            if n:
                count, before, minimum, maximum = self._moments.get(name, (0, 0.0, low, high))
                self._moments[name] = (count + n, before + total, min(minimum, low), max(maximum, high))
        for feature in self.use_case.features:
            if isinstance(feature, NumberFeature) and feature.usual:
                outside = ~values[feature.name].is_between(*feature.usual)
                self._unusual[feature.name] += int(outside.sum())

    def _keep_sample(self, values: pl.DataFrame, row_numbers: pl.Series) -> None:
        rows = values.insert_column(0, row_numbers.cast(pl.UInt64).hash().alias("#"))
        if self._sample is not None:
            if len(self._sample) == SAMPLE_ROWS:
                rows = rows.filter(pl.col("#") < self._sample["#"][-1])
            if not len(rows):
                return
            rows = pl.concat([self._sample, rows])
        self._sample = rows.sort("#").head(SAMPLE_ROWS)

    def _of(self, feature: Feature) -> ColumnStatistics:
        name = feature.name
        counts = (name, self._count, self._missing[name])
        if isinstance(feature, NumberFeature):
            return self._of_number(feature)
        if name in self._times:
            earliest, latest = (_as_text(time, feature) for time in self._times[name])
            return ColumnStatistics(*counts, earliest=earliest, latest=latest)
        top = sorted(self._top.get(name, Counter()).items(), key=lambda item: (-item[1], item[0]))[:TOP]
        others = self._present[name] - sum(count for _, count in top)
        return ColumnStatistics(*counts, top=tuple(top), others=others, top_is_estimated=name in self._forgot)

    def _of_number(self, feature: NumberFeature) -> ColumnStatistics:
        if feature.name not in self._moments or self._sample is None:
            return ColumnStatistics(feature.name, self._count, self._missing[feature.name])
        n, total, minimum, maximum = self._moments[feature.name]
        values = self._sample[feature.name].drop_nulls()
        edges, counts = _histogram(values)
        return ColumnStatistics(
            feature.name,
            self._count,
            self._missing[feature.name],
            minimum=minimum,
            mean=total / n if math.isfinite(total) else None,
            maximum=maximum,
            quantiles=_quantiles(values),
            edges=edges,
            counts=counts,
            unusual=self._unusual[feature.name],
        )


def _as_text(time: datetime, feature: Feature) -> str:
    return time.date().isoformat() if feature.type == "date" else time.isoformat(" ")


def _histogram(values: pl.Series) -> tuple[tuple[float, ...], tuple[int, ...]]:
    """Return edges of bins of one width between the outer hundredths of a sample, and counts of its values."""
    low, high = (values.quantile(share, interpolation="nearest") for share in OUTER)
    if low is None or high is None or not low < high or not math.isfinite(high - low):
        return (), ()
    edges = tuple(low + (high - low) * place / BINS for place in range(BINS + 1))
    below = [0, *(int((values <= edge).sum()) for edge in edges[1:-1]), len(values)]
    return edges, tuple(end - start for start, end in pairwise(below))


def _quantiles(sample: pl.Series) -> tuple[float, ...]:
    found = (sample.quantile(share, interpolation="linear") for share in QUANTILES)
    values = tuple(value for value in found if value is not None)
    return values if all(map(math.isfinite, values)) else ()
