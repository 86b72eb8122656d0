"""Derived features: what a use case computes from a record's columns, by the same code wherever a model is asked."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise
from typing import Annotated, Any, ClassVar, Final, Literal

import re2
from pydantic import Discriminator, Field, Tag, field_validator

from tabserve.core.features import (
    KEPT,
    OPEN,
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
DATES: Final = "a date or a time"


class _Derived(Definition, ABC):
    name: Name
    description: str = ""
    unit: str = ""

    kind: ClassVar[str]  # the field that says how it is computed
    takes: ClassVar[tuple[type, ...]]  # kinds of columns that it is computed from
    takes_what: ClassVar[str]  # the same in words

    @property
    def sources(self) -> tuple[str, ...]:
        """The columns, derived ones among them, that it is computed from."""
        how: Any = getattr(self, self.kind)
        if isinstance(how, tuple):
            return how
        return (how if isinstance(how, str) else how.of,)

    @property
    @abstractmethod
    def feature(self) -> InputFeature:
        """What the model takes; missing where a source is, or where nothing can be computed."""

    def wrong_source(self, source: Source) -> str | None:
        """Return what a source should be instead; None when it is right."""
        return None if isinstance(source, self.takes) else self.takes_what

    def _number(self, kind: Literal["number", "integer"] = "number") -> NumberFeature:
        return NumberFeature.model_validate({**self._about, "type": kind, "required": False, "impute": "median"})

    def _category(self, categories: Sequence[str] | Sequence[int]) -> CategoryFeature:
        how = {"type": "category", "categories": tuple(categories), "required": False, "impute": "most_frequent"}
        return CategoryFeature.model_validate({**self._about, **how})

    @property
    def _about(self) -> dict[str, str]:
        return {"name": self.name, "description": self.description, "unit": self.unit}


class _Number(_Derived):
    takes: ClassVar[tuple[type, ...]] = (NumberFeature, BooleanFeature)
    takes_what: ClassVar[str] = "a number"

    @property
    def feature(self) -> InputFeature:
        return self._number()


class Sum(_Number):
    """The sum of some columns and a constant; of booleans, how many are true."""

    kind: ClassVar[str] = "sum"
    sum: tuple[Name, ...] = Field(min_length=1)
    plus: float = 0


class Product(_Number):
    """The product of some columns."""

    kind: ClassVar[str] = "product"
    product: tuple[Name, ...] = Field(min_length=2)


class Ratio(_Number):
    """The first column divided by the second; missing where that is zero."""

    kind: ClassVar[str] = "ratio"
    ratio: tuple[Name, Name]


class DaysBetween(_Number):
    """The days, with their fractions, from the first date or time to the second."""

    kind: ClassVar[str] = "days_between"
    days_between: tuple[Name, Name]
    takes: ClassVar[tuple[type, ...]] = (DateFeature,)
    takes_what: ClassVar[str] = DATES


class PartOf(Definition):
    """Which part of which date or time."""

    of: Name
    unit: Unit


class Part(_Derived):
    """A part of a date or a time, on a clock of its timezone."""

    kind: ClassVar[str] = "part"
    part: PartOf
    takes: ClassVar[tuple[type, ...]] = (DateFeature,)
    takes_what: ClassVar[str] = DATES

    @property
    def feature(self) -> InputFeature:
        cycle = CYCLES.get(self.part.unit)
        return self._number("integer") if cycle is None else self._category(cycle)

    def wrong_source(self, source: Source) -> str | None:
        if self.part.unit == "hour" and getattr(source, "type", "") == "date":
            return "a datetime, for a date has no hour"
        return super().wrong_source(source)


class Extraction(Definition):
    """What to look for in which text: the pattern's first group, or all it matches where it has no group."""

    of: Name = Field(alias="from")
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

    kind: ClassVar[str] = "extract"
    extract: Extraction
    keep: int = Field(default=KEPT, ge=1, le=5_000)
    takes: ClassVar[tuple[type, ...]] = (TextFeature, CategoryFeature)
    takes_what: ClassVar[str] = "a text or a category"

    @property
    def feature(self) -> InputFeature:
        how = {"type": "category", "categories": OPEN, "keep": self.keep, "required": False}
        return CategoryFeature.model_validate({**self._about, **how})


class Present(_Derived):
    """Whether a column has a value."""

    kind: ClassVar[str] = "present"
    present: Name
    takes: ClassVar[tuple[type, ...]] = (object,)
    takes_what: ClassVar[str] = "a column"

    @property
    def feature(self) -> InputFeature:
        return BooleanFeature(name=self.name, type="boolean", description=self.description)


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

    kind: ClassVar[str] = "bins"
    bins: Bands
    takes: ClassVar[tuple[type, ...]] = (NumberFeature,)
    takes_what: ClassVar[str] = "a number"

    @property
    def labels(self) -> tuple[str, ...]:
        """The names of the bands, lowest first."""
        edges = [f"{edge:g}" for edge in self.bins.edges]
        return (f"under {edges[0]}", *(f"{low} to {high}" for low, high in pairwise(edges)), f"{edges[-1]} or more")

    @property
    def feature(self) -> InputFeature:
        return self._category(self.labels)


KINDS: Final[Mapping[str, type[_Derived]]] = {
    each.kind: each for each in (Sum, Product, Ratio, DaysBetween, Part, Extract, Present, Bins)
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
