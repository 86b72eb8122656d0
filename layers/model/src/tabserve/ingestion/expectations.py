"""What a use case expects of a file's rows and columns beside what came, kept or not."""

from dataclasses import dataclass
from typing import Final

from tabserve.core.features import DateFeature, Feature, NumberFeature, TextFeature
from tabserve.core.rules import DESCRIPTIONS
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
    asked = {"": "as many fields as the header, quotes closed, UTF-8, no row twice", use_case.id_column: "an id, once"}
    asked |= {feature.name: _expected(feature) for feature in use_case.features}
    others = {name: "no formula, no null byte, no cell that is absurdly long" for name in broken if name not in asked}
    return tuple(
        Expectation(
            column=name or WHOLE_ROW,
            expected=what,
            observed="; ".join(map(_said, broken[name])) if name in broken else _observed(known.get(name)),
            holds=name not in broken,
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
    if isinstance(feature, NumberFeature):
        kind = "a whole number" if feature.type == "integer" else "a number"
        what = f"{kind} from {number(feature.minimum)} to {number(feature.maximum)}"
    elif isinstance(feature, DateFeature | TextFeature):
        what = f"a {feature.type}"
    else:
        more = len(feature.texts) - CATEGORIES_NAMED
        what = f"one of {', '.join(feature.texts[:CATEGORIES_NAMED])}" + (f" and {more} more" if more > 0 else "")
    return what if feature.required else f"{what}, or nothing"


def _said(issue: Issue) -> str:
    such_as = f" (“{issue.sample[0]}”)" if issue.sample and issue.sample[0] else ""
    return f"{issue.rows:,} {'row' if issue.rows == 1 else 'rows'}: {DESCRIPTIONS.get(issue.rule, issue.rule)}{such_as}"


def _observed(column: ColumnStatistics | None) -> str:
    if column is None:
        return "in every row"
    missing = f", {percent(column.missing, column.count)} missing" if column.missing else ""
    if column.top:
        total = sum(count for _, count in column.top)
        named = [f"{value} {percent(count, total)}" for value, count in column.top[:VALUES_NAMED]]
        return ", ".join(named) + missing
    if column.minimum is None:
        return "nothing" + missing
    return f"{number(column.minimum)} to {number(column.maximum)}{missing}"
