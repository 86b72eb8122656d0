"""Features: the columns of a record, by type, and what each type takes."""

import re
from collections import Counter
from datetime import UTC, datetime
from functools import cached_property
from typing import Annotated, Final, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    Field,
    StrictInt,
    StrictStr,
    StringConstraints,
    WithJsonSchema,
    field_serializer,
    field_validator,
    model_validator,
)

from tabserve.core.limits import Definition

# No spreadsheet may take a name for a formula, no line may end in it; names with @ are the monitoring's own.
Name = Annotated[
    str,
    StringConstraints(pattern=r'^[\w(\[.%#$€£§°&/<>?!*][^\x00-\x1f\x7f-\x9f"\u2028]{0,99}$'),
]
Label = StrictStr | StrictInt

OPEN: Final = "open"
KEPT: Final = 200
LOWEST: Final = -1.7976931348623157e308  # of the numbers that 64 bits hold: no limit at all
HIGHEST: Final = 1.7976931348623157e308
LONGEST_TEXT: Final = 10_000
SOME_TIME: Final = datetime(2026, 11, 22, 13, 14, 15, 161718, tzinfo=UTC)
QUOTE_IT: Final = "quote it: YAML reads yes, no, on, off, true and false as booleans"


def reject_booleans(values: tuple[object, ...] | list[object], field: str) -> None:
    """Raise ValueError when a value is a boolean, as YAML reads a bare `no`."""
    if any(isinstance(value, bool) for value in values):
        raise ValueError(f"{field} holds a boolean; {QUOTE_IT}")


def reject_repeats(texts: list[str], field: str) -> None:
    """Raise ValueError when a text is there twice."""
    repeated = [text for text, count in Counter(texts).items() if count > 1]
    if repeated:
        raise ValueError(f"{field} repeats {', '.join(map(repr, repeated))}")


class _Feature(Definition):
    name: Name
    required: bool = True
    description: str = ""
    unit: str = ""


class CategoryFeature(_Feature):
    """One of a closed list of values; or, open, any text, of which training keeps the most frequent ones.

    Of an open one `categories` is empty and `impute` is not needed: a missing value is none of those that are kept.
    """

    type: Literal["category"]
    categories: Annotated[
        tuple[Label, ...],
        WithJsonSchema(
            {
                "anyOf": [
                    {"type": "array", "items": {"type": ["string", "integer"]}, "minItems": 1},
                    {"const": OPEN, "description": "Any text; the most frequent ones are learned."},
                ]
            }
        ),
    ]
    keep: int = Field(
        default=KEPT,
        ge=1,
        le=5_000,
        description="How many categories training keeps of an open list; the rest is other.",
    )
    impute: Literal["most_frequent"] | None = None

    @field_validator("categories", mode="before")
    @classmethod
    def _open_is_empty(cls, value: object) -> object:
        if value == OPEN:
            return ()
        if isinstance(value, list | tuple) and not value:
            raise ValueError(f"categories must name at least one value, or be {OPEN}")
        return value

    @field_serializer("categories")
    def _empty_is_open(self, value: tuple[Label, ...]) -> tuple[Label, ...] | str:
        return value or OPEN

    @model_validator(mode="before")
    @classmethod
    def _categories_are_no_booleans(cls, data: object) -> object:
        if isinstance(data, dict) and isinstance(data.get("categories"), list | tuple):
            reject_booleans(data["categories"], f"categories of {data.get('name')!r}")
        return data

    @model_validator(mode="after")
    def _categories_are_distinct(self) -> Self:
        reject_repeats([str(value) for value in self.categories], f"categories of {self.name!r}")
        return self

    @property
    def is_open(self) -> bool:
        """Whether any text is a value."""
        return not self.categories

    @property
    def texts(self) -> tuple[str, ...]:
        """The categories as the model and CSV files write them; none where they are open."""
        return tuple(str(value) for value in self.categories)


class NumberFeature(_Feature):
    """A number, or a whole number, within a closed range; without limits any that 64 bits hold.

    Values outside of `usual` are counted and shown; their rows stay good.
    """

    type: Literal["number", "integer"]
    minimum: float = LOWEST
    maximum: float = HIGHEST
    usual: tuple[float, float] | None = None
    impute: Literal["median", "mean", "most_frequent"] | None = None

    @model_validator(mode="after")
    def _ranges_are_not_empty(self) -> Self:
        if not self.minimum < self.maximum:
            raise ValueError(f"feature {self.name!r} needs minimum < maximum")
        if self.usual and not self.usual[0] < self.usual[1]:
            raise ValueError(f"feature {self.name!r} needs two numbers as its usual range, the smaller one first")
        return self

    @property
    def has_minimum(self) -> bool:
        """Whether there is a lower limit."""
        return self.minimum > LOWEST

    @property
    def has_maximum(self) -> bool:
        """Whether there is an upper limit."""
        return self.maximum < HIGHEST


class BooleanFeature(_Feature):
    """Yes or no: JSON's true and false, in files any of `rules.BOOLEANS`, in any case."""

    type: Literal["boolean"]
    impute: Literal["most_frequent"] | None = None

    @property
    def categories(self) -> tuple[bool, ...]:
        """Both values, as records hold them."""
        return (False, True)

    @property
    def texts(self) -> tuple[str, ...]:
        """Both values as the model and people read them."""
        return ("false", "true")


class DateFeature(_Feature):
    """A day, or a time: only a source of derived features.

    `format` is how raw files write it (as strptime takes it; ISO 8601 without); JSON always has ISO 8601. A time
    without offset is taken to be in `timezone`, and parts of a time are those of a clock there.
    """

    type: Literal["date", "datetime"]
    format: str = ""
    timezone: str = "UTC"

    @field_validator("format")
    @classmethod
    def _format_is_one(cls, value: str) -> str:
        """Take what reads back what it writes."""
        try:
            written = SOME_TIME.strftime(value) if value else ""
            _ = value and datetime.strptime(written, value)  # noqa: DTZ007
        except (ValueError, re.error) as error:
            raise ValueError(f"format {value!r} is none that strptime takes, such as %d.%m.%Y") from error
        if value and not re.search("%[-:]?[a-zA-Z]", value):
            raise ValueError(f"format {value!r} names no part of a date; say it as strptime does, such as %d.%m.%Y")
        return value

    @model_validator(mode="after")
    def _timezone_is_known(self) -> Self:
        try:
            _ = self.zone
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise ValueError(f"feature {self.name!r} has the unknown timezone {self.timezone!r}") from error
        return self

    @cached_property
    def zone(self) -> ZoneInfo:
        """The timezone."""
        return ZoneInfo(self.timezone)


class TextFeature(_Feature):
    """Any text of bounded length: only a source of derived features."""

    type: Literal["text"]
    max_length: int = Field(default=200, ge=1, le=LONGEST_TEXT)


Feature = Annotated[
    CategoryFeature | NumberFeature | BooleanFeature | DateFeature | TextFeature, Field(discriminator="type")
]
# What a model takes; the others are only sources of what it takes.
InputFeature = CategoryFeature | NumberFeature | BooleanFeature
