"""Cells of a table as values, a column at a time, by the same rules as ingestion reads raw files."""

import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

import numpy as np

from tabserve.core import rules
from tabserve.core.features import BooleanFeature, DateFeature, Feature, InputFeature, NumberFeature
from tabserve.core.good_rows import converter
from tabserve.core.records import FailureCase, Value
from tabserve.core.use_case import UseCase
from tabserve.core.validation import JSON_HINT, failure_cases, wanted
from tabserve.training.dataset import Array

Refused = Mapping[str, Sequence[FailureCase]]
NOTHING: Final[Refused] = {}
# Of these characters alone, with commas between cells, what reads as a number is what the rules take for one.
NUMERIC: Final = b"0123456789+-.eE,"
WHOLE: Final = b"0123456789+-,"


class Cells:
    """Reads the cells of a feature."""

    def __init__(self, use_case: UseCase, feature: Feature) -> None:
        self._feature = feature
        self._missing = frozenset(use_case.missing_values)
        self._convert = converter(feature, use_case)
        self._by_block = isinstance(feature, NumberFeature) and use_case.format.decimal == "."

    def read(self, cells: Sequence[str]) -> tuple[Array, Refused]:
        """Return a column of values, and the cells that are none with the rules they break."""
        numbers = self._numbers(cells) if self._by_block else None
        if numbers is not None:
            return numbers, NOTHING
        read = {cell: self._value(cell) for cell in set(cells)}
        refused = {cell: cases for cell, (_, cases) in read.items() if cases}
        values = [None if cell in refused else read[cell][0] for cell in cells]
        return array(self._feature, values), refused

    def _numbers(self, cells: Sequence[str]) -> Array | None:
        """Return all cells as numbers at once, which takes a sixth of the time; None where one of them is doubtful."""
        feature = self._feature
        text = ",".join(cells)
        if any(f",{mark}," in f",{text}," for mark in self._missing):
            return self._some_numbers(cells)
        characters = WHOLE if isinstance(feature, NumberFeature) and feature.type == "integer" else NUMERIC
        try:
            if text.endswith(",") or text.encode("ascii").translate(None, characters):
                return None
            with warnings.catch_warnings():
                warnings.simplefilter("error", DeprecationWarning)  # where a cell ends before its text does
                numbers = np.fromstring(text, dtype=np.float64, sep=",")
        except (ValueError, DeprecationWarning):
            return None
        return numbers if len(numbers) == len(cells) and self._in_range(numbers) else None

    def _some_numbers(self, cells: Sequence[str]) -> Array | None:
        known = np.array([cell not in self._missing for cell in cells])
        if self._feature.required and not known.all():
            return None
        column = np.full(len(cells), np.nan)
        if known.any():
            numbers = self._numbers([cell for cell, has in zip(cells, known.tolist(), strict=True) if has])
            if numbers is None:
                return None
            column[known] = numbers
        return column

    def _in_range(self, numbers: Array) -> bool:
        feature = self._feature
        assert isinstance(feature, NumberFeature)  # noqa: S101  for the types
        return bool(feature.minimum <= numbers.min() and numbers.max() <= feature.maximum)

    def _value(self, cell: str) -> tuple[Value, Sequence[FailureCase]]:
        feature = self._feature
        if cell in self._missing:
            return None, failure_cases(feature, None)
        try:
            value = self._convert(cell)
        except ValueError:
            return None, [self._unreadable(cell)]
        return value, failure_cases(feature, value)

    def _unreadable(self, cell: str) -> FailureCase:
        """Explain a cell that cannot be read: by the rule its text breaks, or else by the general one of its type."""
        feature = self._feature
        if isinstance(feature, DateFeature) and feature.format:
            what = f"must be a {'time' if feature.type == 'datetime' else 'date'} written as {feature.format}"
            return FailureCase(feature.name, "not_a_date", f"{feature.name} {what}")
        cases = failure_cases(feature, _as_number(cell) if isinstance(feature, NumberFeature) else cell)
        if cases:
            return FailureCase(cases[0].column, cases[0].rule, cases[0].message.removesuffix(JSON_HINT))
        return FailureCase(feature.name, rules.general_rule(feature), f"{feature.name} must be {wanted(feature)}")


def array(feature: Feature, values: Iterable[Value]) -> Array:
    """Return values as a column: numbers and booleans as float64 with NaN where missing, others as objects."""
    if isinstance(feature, NumberFeature | BooleanFeature):
        return np.array([*values], dtype=np.float64)
    listed = [*values]
    column = np.empty(len(listed), dtype=object)
    column[:] = listed
    return column


def values(feature: Feature | InputFeature, column: Array) -> list[Value]:
    """Return a column's values as records hold them."""
    listed: list[Value] = column.tolist()
    match feature:
        case NumberFeature(type="integer"):
            return [None if value != value else int(value) for value in listed]  # type: ignore[arg-type]
        case NumberFeature():
            return [None if value != value else value for value in listed]
        case BooleanFeature():
            return [None if value != value else bool(value) for value in listed]
    return listed


class Plain(Mapping[str, list[Value]]):
    """The record's columns and the model's inputs as records hold them, each made when it is asked for."""

    def __init__(self, use_case: UseCase, columns: Mapping[str, Array]) -> None:
        self._features: dict[str, Feature | InputFeature] = {each.name: each for each in use_case.features}
        self._features |= {each.name: each for each in use_case.inputs}
        self._columns = columns

    def __getitem__(self, name: str) -> list[Value]:
        return values(self._features[name], self._columns[name])

    def __iter__(self) -> Iterator[str]:
        return iter(self._features)

    def __len__(self) -> int:
        return len(self._features)


def _as_number(cell: str) -> Value:
    try:
        return cell if cell.encode("ascii").translate(None, NUMERIC) else float(cell)
    except ValueError:
        return cell
