"""Profiles: what columns of values look like, in a form that is small enough to keep.

Only what is written down (`to_dict`) is limited to 2 000 order statistics a column; the counts of its bins stay exact
whatever the number of rows.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from tabserve.core.features import NumberFeature
from tabserve.core.records import Value
from tabserve.core.use_case import UseCase

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]

QUANTILE_BINS = 10
ORDER_STATISTICS = 2_000
PREDICTION = "@prediction"
PROBABILITY = "@probability"
MISSING = "missing"
OTHER = "other"
NOTHING: Mapping[str, Sequence[str]] = {}


@dataclass(frozen=True, slots=True, eq=False)
class NumericProfile:
    """Numbers: missing ones, counts in bins `(-inf, e0], (e0, e1] … (ek, inf)`, distinct values with their counts."""

    missing: int
    edges: Floats
    counts: Counts
    values: Floats
    weights: Counts

    @classmethod
    def of(cls, column: Sequence[Value] | Floats, edges: Floats | None = None) -> Self:
        """Profile a column; without `edges` the bins are its own deciles."""
        numbers = np.asarray(column, dtype=np.float64)
        present = numbers[np.isfinite(numbers)]
        values, weights = np.unique(present, return_counts=True)
        edges = decile_edges(values, weights) if edges is None else edges
        counts = np.bincount(np.searchsorted(edges, values), weights=weights, minlength=len(edges) + 1)
        return cls(len(numbers) - len(present), edges, counts.astype(np.int64), values, weights.astype(np.int64))

    @property
    def present(self) -> int:
        """Rows that hold a number."""
        return int(self.counts.sum())

    @property
    def mean(self) -> float | None:
        """The mean of the numbers; None without any."""
        return float(self.values @ self.weights / self.weights.sum()) if len(self.values) else None

    def labels(self) -> tuple[str, ...]:
        """Name the bins, the one of missing values last."""
        if not len(self.edges):
            return ("all", MISSING)
        bounds = [f"{edge:.4g}" for edge in self.edges]
        inner = [f"{low} … {high}" if low != high else high for low, high in pairwise(bounds)]
        first = "<" if len(bounds) > 1 and bounds[0] == bounds[1] else "≤"
        return (f"{first} {bounds[0]}", *inner, f"> {bounds[-1]}", MISSING)

    def bins(self) -> Counts:
        """Count rows by bin, missing ones last."""
        return np.append(self.counts, self.missing)

    def same_bins(self, column: Sequence[Value]) -> "NumericProfile":
        """Profile another column with these bins."""
        return NumericProfile.of(column, self.edges)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, with at most 2 000 order statistics."""
        values, weights = thin(self.values, self.weights, ORDER_STATISTICS)
        arrays = {"edges": self.edges, "counts": self.counts, "values": values, "weights": weights}
        return {"kind": "numeric", "missing": self.missing} | {name: array.tolist() for name, array in arrays.items()}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Read what `to_dict` returned."""
        return cls(
            missing=int(data["missing"]),
            edges=np.array(data["edges"], dtype=np.float64),
            counts=np.array(data["counts"], dtype=np.int64),
            values=np.array(data["values"], dtype=np.float64),
            weights=np.array(data["weights"], dtype=np.int64),
        )


@dataclass(frozen=True, slots=True)
class CategoricalProfile:
    """Categories: rows of each known one, of all others together, and missing ones."""

    missing: int
    other: int
    categories: Mapping[str, int]

    @classmethod
    def of(cls, column: Sequence[Value], categories: Sequence[str]) -> Self:
        """Profile a column of a closed list of categories."""
        texts: Counter[str | None] = Counter()
        for value, count in Counter(column).items():
            texts[None if is_missing(value) else category_text(value)] += count
        known = {category: texts.pop(category, 0) for category in categories}
        return cls(texts.pop(None, 0), texts.total(), known)

    def labels(self) -> tuple[str, ...]:
        """Name the bins, as `bins` counts them."""
        return (*self.categories, OTHER, MISSING)

    def bins(self) -> Counts:
        """Count rows by category, then other and missing ones."""
        return np.array([*self.categories.values(), self.other, self.missing], dtype=np.int64)

    def same_bins(self, column: Sequence[Value]) -> "CategoricalProfile":
        """Profile another column with these categories."""
        return CategoricalProfile.of(column, tuple(self.categories))

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "kind": "categorical",
            "missing": self.missing,
            "other": self.other,
            "categories": dict(self.categories),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Read what `to_dict` returned."""
        return cls(int(data["missing"]), int(data["other"]), dict(data["categories"]))


ColumnProfile = NumericProfile | CategoricalProfile


@dataclass(frozen=True, slots=True, eq=False)
class Profile:
    """The features of some rows and what a model answered to them."""

    rows: int
    columns: Mapping[str, ColumnProfile]

    @classmethod
    def of(
        cls,
        use_case: UseCase,
        features: Mapping[str, Sequence[Value]],
        predictions: Sequence[str] | Sequence[float],
        probabilities: Sequence[float],
        vocabulary: Mapping[str, Sequence[str]] = NOTHING,
    ) -> Self:
        """Profile reference rows: inputs by name, predicted classes as text, the probability the API answers.

        Of an open category the `vocabulary` has the values that stand on their own. A regression's predictions are
        numbers, and it has no probabilities.
        """
        columns: dict[str, ColumnProfile] = {}
        for feature in use_case.inputs:
            column = features[feature.name]
            if isinstance(feature, NumberFeature):
                columns[feature.name] = NumericProfile.of(column)
            else:
                columns[feature.name] = CategoricalProfile.of(column, vocabulary.get(feature.name, feature.texts))
        if use_case.is_regression:
            columns[PREDICTION] = NumericProfile.of(predictions)
        else:
            columns[PROBABILITY] = NumericProfile.of(probabilities)
            columns[PREDICTION] = CategoricalProfile.of(predictions, use_case.target.texts)
        return cls(len(predictions), columns)

    def window(self, columns: Mapping[str, Sequence[Value]], rows: int) -> "Profile":
        """Profile other rows with the bins of this one; a column that is not there counts as missing."""
        absent: list[Value] = [None] * rows
        return Profile(rows, {name: own.same_bins(columns.get(name, absent)) for name, own in self.columns.items()})

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {"rows": self.rows, "columns": {name: column.to_dict() for name, column in self.columns.items()}}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Read what `to_dict` returned."""
        kinds: dict[str, type[NumericProfile] | type[CategoricalProfile]] = {
            "numeric": NumericProfile,
            "categorical": CategoricalProfile,
        }
        columns = {name: kinds[column["kind"]].from_dict(column) for name, column in data["columns"].items()}
        return cls(int(data["rows"]), columns)


def is_missing(value: Value) -> bool:
    """Return whether a value stands for no value: None or NaN."""
    return value is None or (isinstance(value, float) and math.isnan(value))


def category_text(value: Value) -> str:
    """Write a category as the use case does, where a table turned 3 into 3.0; true and false as JSON does."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def decile_edges(values: Floats, weights: Counts) -> Floats:
    """Return the inner edges of the decile bins of distinct values, ties merged.

    Where a tenth or more of the rows share the smallest or the largest value, an empty bin beyond it is kept, so that
    values moving out of the known range are seen.
    """
    if not len(values):
        return np.array([], dtype=np.float64)
    ranks = np.arange(1, QUANTILE_BINS) * weights.sum() / QUANTILE_BINS
    edges = np.unique(values[np.searchsorted(np.cumsum(weights), ranks)])
    if edges[0] == values[0]:
        edges = np.insert(edges, 0, np.nextafter(values[0], -np.inf))
    return edges


def thin(values: Floats, weights: Counts, limit: int) -> tuple[Floats, Counts]:
    """Keep at most `limit` order statistics, each standing for its share of the rows."""
    if len(values) <= limit:
        return values, weights
    ends = np.cumsum(weights)
    cuts = np.arange(limit + 1) * ends[-1] // limit
    middles = np.searchsorted(ends, (cuts[:-1] + cuts[1:]) // 2, side="right")
    kept, index = np.unique(middles, return_inverse=True)
    return values[kept], np.bincount(index, weights=np.diff(cuts)).astype(np.int64)
