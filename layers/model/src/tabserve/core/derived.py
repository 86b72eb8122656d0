"""Derived features: what a use case computes from a record's columns, by the same code wherever a model is asked."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise
from typing import Annotated, Any, Final, Literal

import re2
from pydantic import Discriminator, Field, Tag, field_validator

from tabserve.core.features import (
    KEPT,
    BooleanFeature,
    CategoryFeature,
    DateFeature,
    InputFeature,
    Name,
    NumberFeature,
    TextFeature,
)
from tabserve.core.limits import Definition

Source = InputFeature | DateFeature | TextFeature
Unit = Literal["year", "quarter", "month", "day", "weekday", "hour", "epoch_days"]

WEEKDAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
CYCLES: Final[Mapping[str, tuple[str, ...] | tuple[int, ...]]] = {
    "quarter": tuple(range(1, 5)),
    "month": tuple(range(1, 13)),
    "weekday": WEEKDAYS,
    "hour": tuple(range(24)),
}
LONGEST_PATTERN: Final = 500
NUMBERS: Final = "a number"
DATES: Final = "a date or a time"


class _Derived(Definition, ABC):
    name: Name
    description: str = ""
    unit: str = ""

    @property
    @abstractmethod
    def sources(self) -> tuple[str, ...]:
        """The columns, derived ones among them, that it is computed from."""

    @abstractmethod
    def wrong_source(self, source: Source) -> str | None:
        """Return what a source should be instead; None when it is right."""

    @property
    @abstractmethod
    def feature(self) -> InputFeature:
        """What the model takes; missing where a source is, or where nothing can be computed."""

    def _number(self, kind: Literal["number", "integer"] = "number") -> NumberFeature:
        about = {"name": self.name, "description": self.description, "unit": self.unit}
        return NumberFeature.model_validate({**about, "type": kind, "required": False, "impute": "median"})

    def _category(self, categories: Sequence[str] | Sequence[int]) -> CategoryFeature:
        about = {"name": self.name, "description": self.description, "unit": self.unit}
        how = {"type": "category", "categories": tuple(categories), "required": False, "impute": "most_frequent"}
        return CategoryFeature.model_validate({**about, **how})


class _OfNumbers(_Derived):
    @property
    def feature(self) -> InputFeature:
        return self._number()

    def wrong_source(self, source: Source) -> str | None:
        return None if isinstance(source, NumberFeature | BooleanFeature) else NUMBERS


class Sum(_OfNumbers):
    """The sum of some columns and a constant; of booleans, how many are true."""

    sum: tuple[Name, ...] = Field(min_length=1)
    plus: float = 0

    @property
    def sources(self) -> tuple[str, ...]:
        return self.sum


class Product(_OfNumbers):
    """The product of some columns."""

    product: tuple[Name, ...] = Field(min_length=2)

    @property
    def sources(self) -> tuple[str, ...]:
        return self.product


class Ratio(_OfNumbers):
    """The first column divided by the second; missing where that is zero."""

    ratio: tuple[Name, Name]

    @property
    def sources(self) -> tuple[str, ...]:
        return self.ratio


class DaysBetween(_Derived):
    """The days, with their fractions, from the first date or time to the second."""

    days_between: tuple[Name, Name]

    @property
    def sources(self) -> tuple[str, ...]:
        return self.days_between

    @property
    def feature(self) -> InputFeature:
        return self._number()

    def wrong_source(self, source: Source) -> str | None:
        return None if isinstance(source, DateFeature) else DATES


class PartOf(Definition):
    """Which part of which date or time."""

    of: Name
    unit: Unit


class Part(_Derived):
    """A part of a date or a time, on a clock of its timezone."""

    part: PartOf

    @property
    def sources(self) -> tuple[str, ...]:
        return (self.part.of,)

    @property
    def feature(self) -> InputFeature:
        cycle = CYCLES.get(self.part.unit)
        return self._number("integer") if cycle is None else self._category(cycle)

    def wrong_source(self, source: Source) -> str | None:
        if not isinstance(source, DateFeature):
            return DATES
        return "a datetime, for a date has no hour" if self.part.unit == "hour" and source.type == "date" else None


class Extraction(Definition):
    """What to look for in which text: the pattern's first group, or all it matches where it has no group."""

    from_: Name = Field(alias="from")
    pattern: str = Field(min_length=1, max_length=LONGEST_PATTERN)

    @field_validator("pattern")
    @classmethod
    def _pattern_is_regular(cls, pattern: str) -> str:
        """Take what RE2 takes, which needs time in proportion to the text, whatever the pattern."""
        options = re2.Options()
        options.log_errors = False
        try:
            re2.compile(pattern, options)
        except re2.error as error:
            reason = error.args[0].decode() if isinstance(error.args[0], bytes) else error.args[0]
            raise ValueError(f"pattern {pattern!r} is no regular expression as RE2 takes them: {reason}") from error
        return pattern


class Extract(_Derived):
    """What a pattern finds in a text: an open category; missing where it finds nothing."""

    extract: Extraction
    keep: int = Field(default=KEPT, ge=1, le=5_000)

    @property
    def sources(self) -> tuple[str, ...]:
        return (self.extract.from_,)

    @property
    def feature(self) -> InputFeature:
        about = {"name": self.name, "description": self.description, "unit": self.unit, "keep": self.keep}
        return CategoryFeature.model_validate({**about, "type": "category", "categories": "open", "required": False})

    def wrong_source(self, source: Source) -> str | None:
        return None if isinstance(source, TextFeature | CategoryFeature) else "a text or a category"


class Present(_Derived):
    """Whether a column has a value."""

    present: Name

    @property
    def sources(self) -> tuple[str, ...]:
        return (self.present,)

    @property
    def feature(self) -> InputFeature:
        return BooleanFeature(name=self.name, type="boolean", description=self.description)

    def wrong_source(self, source: Source) -> str | None:  # noqa: ARG002  any column may be missing
        return None


class Bands(Definition):
    """Which number is cut where: each edge begins a band."""

    of: Name
    edges: tuple[float, ...] = Field(min_length=1, max_length=100)

    @field_validator("edges")
    @classmethod
    def _edges_rise(cls, edges: tuple[float, ...]) -> tuple[float, ...]:
        if any(low >= high for low, high in pairwise(edges)):
            raise ValueError("edges must rise")
        return edges


class Bins(_Derived):
    """The band a number is in."""

    bins: Bands

    @property
    def sources(self) -> tuple[str, ...]:
        return (self.bins.of,)

    @property
    def labels(self) -> tuple[str, ...]:
        """The names of the bands, lowest first."""
        edges = [f"{edge:g}" for edge in self.bins.edges]
        return (f"under {edges[0]}", *(f"{low} to {high}" for low, high in pairwise(edges)), f"{edges[-1]} or more")

    @property
    def feature(self) -> InputFeature:
        return self._category(self.labels)

    def wrong_source(self, source: Source) -> str | None:
        return None if isinstance(source, NumberFeature) else NUMBERS


KINDS: Final[Mapping[str, type[_Derived]]] = {
    "sum": Sum,
    "product": Product,
    "ratio": Ratio,
    "days_between": DaysBetween,
    "part": Part,
    "extract": Extract,
    "present": Present,
    "bins": Bins,
}


def _kind(data: Any) -> str | None:  # noqa: ANN401  whatever stands in a definition
    has = data.keys() if isinstance(data, dict) else type(data).model_fields if isinstance(data, _Derived) else ()
    return next((name for name in KINDS if name in has), None)


Derived = Annotated[
    Annotated[Sum, Tag("sum")]
    | Annotated[Product, Tag("product")]
    | Annotated[Ratio, Tag("ratio")]
    | Annotated[DaysBetween, Tag("days_between")]
    | Annotated[Part, Tag("part")]
    | Annotated[Extract, Tag("extract")]
    | Annotated[Present, Tag("present")]
    | Annotated[Bins, Tag("bins")],
    Discriminator(
        _kind,
        custom_error_type="unknown_derivation",
        custom_error_message=f"a derived feature has a name and one of {', '.join(KINDS)}",
    ),
]


def in_order(derived: Sequence[Any]) -> tuple[Any, ...]:
    """Return derived features so that each comes after those it is computed from; raise ValueError for a circle."""
    by_name = {each.name: each for each in derived}
    graph = {each.name: [name for name in each.sources if name in by_name] for each in derived}
    try:
        order = list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        circle = " from ".join(map(repr, error.args[1]))
        raise ValueError(f"derived features are computed in a circle: {circle}; break it at one of them") from error
    return tuple(by_name[name] for name in order)
