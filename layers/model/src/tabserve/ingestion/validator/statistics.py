"""Statistics of a file's columns, gathered chunk by chunk in bounded memory."""

import math
from collections import Counter
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

import polars as pl

from tabserve.core.features import Feature, NumberFeature
from tabserve.core.use_case import UseCase
from tabserve.ingestion.validation_result import ColumnStatistics
from tabserve.ingestion.validator.schema import number

SAMPLE_ROWS: Final = 10_000
QUANTILES: Final = (0.05, 0.25, 0.5, 0.75, 0.95)
TOP: Final = 10
OUTER: Final = (0.01, 0.99)
BINS: Final = 12


@dataclass(slots=True)
class Statistics:
    """Count, missing, minimum, mean and maximum are exact; quantiles come from a sample of the rows.

    What no float can hold, the mean of numbers at the end of their range, is left out.

    The sample is the rows whose number has the smallest hashes, so it does not depend on how the file was cut.
    """

    use_case: UseCase
    _count: int = 0
    _missing: Counter[str] = field(default_factory=Counter)
    _top: dict[str, Counter[str]] = field(default_factory=dict)
    _moments: dict[str, tuple[int, float, float, float]] = field(default_factory=dict)
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
        numbers = []
        for feature in self.use_case.features:
            if not isinstance(feature, NumberFeature):
                counts = cells[feature.name].filter(present[feature.name]).value_counts()
                self._top.setdefault(feature.name, Counter()).update(dict(counts.iter_rows()))
            else:
                value = number(pl.lit(cells[feature.name]))
                numbers.append(pl.when(present[feature.name]).then(value).alias(feature.name))
        if numbers:
            values = pl.select(numbers)
            self._add_moments(values)
            self._keep_sample(values, row_numbers)

    def result(self) -> tuple[ColumnStatistics, ...]:
        """Return the statistics of every feature, in the order of the use case."""
        return tuple(
            self._of_number(feature) if isinstance(feature, NumberFeature) else self._of_category(feature)
            for feature in self.use_case.features
        )

    def _add_moments(self, values: pl.DataFrame) -> None:
        found = (values.select(getattr(pl.all(), what)()).row(0) for what in ("count", "sum", "min", "max"))
        for name, n, total, low, high in zip(values.columns, *found, strict=True):
            if n:
                count, before, minimum, maximum = self._moments.get(name, (0, 0.0, low, high))
                self._moments[name] = (count + n, before + total, min(minimum, low), max(maximum, high))

    def _keep_sample(self, values: pl.DataFrame, row_numbers: pl.Series) -> None:
        rows = values.insert_column(0, row_numbers.cast(pl.UInt64).hash().alias("#"))
        if self._sample is not None:
            if len(self._sample) == SAMPLE_ROWS:
                rows = rows.filter(pl.col("#") < self._sample["#"][-1])
            if not len(rows):
                return
            rows = pl.concat([self._sample, rows])
        self._sample = rows.sort("#").head(SAMPLE_ROWS)

    def _of_category(self, feature: Feature) -> ColumnStatistics:
        top = sorted(self._top.get(feature.name, Counter()).items(), key=lambda item: (-item[1], item[0]))[:TOP]
        return ColumnStatistics(feature.name, self._count, self._missing[feature.name], top=tuple(top))

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
        )


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
