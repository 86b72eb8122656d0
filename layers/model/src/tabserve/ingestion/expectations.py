"""What a use case expects of a file's rows and columns beside what came, kept or not."""

from dataclasses import dataclass
from typing import Final

from tabserve.core.features import BooleanFeature, CategoryFeature, DateFeature, Feature, NumberFeature, TextFeature
from tabserve.core.rules import DESCRIPTIONS, MAX_CATEGORY
from tabserve.core.use_case import UseCase
from tabserve.ingestion.validation_result import ColumnStatistics, Issue, ValidationResult

WHOLE_ROW: Final = "each row"
CATEGORIES_NAMED: Final = 12
VALUES_NAMED: Final = 3


@dataclass(frozen=True, slots=True)
class Expectation:
    """What is expected of one column, or of each row as a whole, and what was observed."""

    column: str
    expected: str
    observed: str
    holds: bool


def expectations(use_case: UseCase, result: ValidationResult) -> tuple[Expectation, ...]:
    """Return an expectation for the rows and for each column, in the order of the use case."""
    broken: dict[str, list[Issue]] = {}
    for issue in result.issues:
        if issue.rows:
            broken.setdefault(issue.column, []).append(issue)
    known = {column.column: column for column in result.statistics}
    features: dict[str, Feature | None] = {feature.name: feature for feature in use_case.features}
    encoding = use_case.format.encoding_name
    asked = {"": f"as many fields as the header, quotes closed, {encoding}, no row twice"}
    asked |= dict.fromkeys(use_case.id_columns, "an id, once")
    asked |= {feature.name: _expected(feature) for feature in use_case.features}
    others = {name: "no formula, no null byte, no cell that is absurdly long" for name in broken if name not in asked}
    return tuple(
        Expectation(
            name or WHOLE_ROW, what, _seen(broken.get(name), known.get(name), features.get(name)), name not in broken
        )
        for name, what in {**asked, **others}.items()
    )


def number(value: float | None) -> str:
    """Write a number with separators, whole numbers whole; a dash where there is none."""
    if value is None:
        return "–"
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.4g}"


def percent(part: float, whole: float) -> str:
    """Write a share; only none and all are written as such."""
    if not whole:
        return "–"
    share = 100 * part / whole
    if 0 < share < 0.05:
        return "under 0.1 %"
    if 99.95 <= share < 100:
        return "over 99.9 %"
    return f"{share:.1f}".removesuffix(".0") + " %"


def _expected(feature: Feature) -> str:
    what = _kind(feature)
    return what if feature.required else f"{what}, or nothing"


def _kind(feature: Feature) -> str:
    match feature:
        case NumberFeature():
            kind = "a whole number" if feature.type == "integer" else "a number"
            usual = f", usually {_range(*feature.usual)}" if feature.usual else ""
            return kind + _limits(feature) + usual
        case BooleanFeature():
            return "yes or no"
        case DateFeature():
            kind = "a date" if feature.type == "date" else "a time"
            return f"{kind} as {feature.format}" if feature.format else f"{kind} in ISO 8601"
        case TextFeature():
            return f"a text of up to {number(feature.max_length)} characters"
        case CategoryFeature(is_open=True):
            return f"a text of up to {MAX_CATEGORY} characters"
    more = len(feature.texts) - CATEGORIES_NAMED
    return f"one of {', '.join(feature.texts[:CATEGORIES_NAMED])}" + (f" and {more} more" if more > 0 else "")


def _limits(feature: NumberFeature) -> str:
    if feature.has_minimum and feature.has_maximum:
        return f" from {_range(feature.minimum, feature.maximum)}"
    if feature.has_minimum:
        return f" from {number(feature.minimum)} on"
    return f" up to {number(feature.maximum)}" if feature.has_maximum else ""


def _range(low: float, high: float) -> str:
    return f"{number(low)} to {number(high)}"


def _said(issue: Issue) -> str:
    such_as = f" (“{issue.sample[0]}”)" if issue.sample and issue.sample[0] else ""
    return f"{issue.rows:,} {'row' if issue.rows == 1 else 'rows'}: {DESCRIPTIONS.get(issue.rule, issue.rule)}{such_as}"


def _seen(broken: list[Issue] | None, column: ColumnStatistics | None, feature: Feature | None) -> str:
    seen = list(map(_said, broken)) if broken else [_observed(column)]
    if column and column.unusual and isinstance(feature, NumberFeature) and feature.usual:
        rows = f"{number(column.unusual)} of {number(column.count)} rows"
        seen.append(f"{rows} outside of the usual range {_range(*feature.usual)}")
    return "; ".join(seen)


def _observed(column: ColumnStatistics | None) -> str:
    if column is None:
        return "in every row"
    missing = f", {percent(column.missing, column.count)} missing" if column.missing else ""
    if column.top:
        named = [f"{value} {percent(count, column.values)}" for value, count in column.top[:VALUES_NAMED]]
        return ("about " if column.top_is_estimated else "") + ", ".join(named) + missing
    if column.earliest:
        return f"{column.earliest} to {column.latest}{missing}"
    if column.minimum is None:
        return ("a text" if column.values else "nothing") + missing
    return f"{_range(column.minimum, column.maximum or 0.0)}{missing}"
