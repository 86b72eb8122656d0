"""What a use case asks of a good cell, every cell read as text: one expression a column, which sees every row.

`cell_rules` says the same from the other side: it names the rules that refused cells break.
"""

from collections.abc import Callable, Mapping
from typing import Final

import polars as pl

from tabserve.core import rules
from tabserve.core.features import BooleanFeature, CategoryFeature, DateFeature, Feature, NumberFeature, TextFeature
from tabserve.core.use_case import UseCase
from tabserve.ingestion.validator.date_cells import DateCells

Expression = Callable[[pl.Expr], pl.Expr]
LINE_SEPARATOR: Final = "\u2028"
BOOLEAN: Final = list(rules.BOOLEANS)
OUTER_SPACE: Final = r"^\s|\s$"


def accepting(use_case: UseCase, date_cells: Mapping[str, DateCells]) -> dict[str, Expression]:
    """Return, by column, the expression that is true for the cells of a good row."""
    return {name: _accepts_id(use_case) for name in use_case.id_columns} | {
        feature.name: _accepts(feature, use_case, date_cells) for feature in use_case.features
    }


def with_point(cell: pl.Expr, decimal: str) -> pl.Expr:
    """Return a number as it would be where the decimal sign is a point: points and commas change places."""
    return cell if decimal == "." else cell.str.replace_many([".", ","], [",", "."])


def number(cell: pl.Expr) -> pl.Expr:
    """Return the number a cell is read as; null for text and for what no float can hold."""
    value = cell.cast(pl.Float64, strict=False)
    return pl.when(value.is_finite()).then(value)


def has_control(cell: pl.Expr) -> pl.Expr:
    """Tell whether a cell has control characters; a line end in a cell has become a line separator."""
    return cell.str.contains(f"[{rules.CONTROL}{LINE_SEPARATOR}]")


def is_no_id(cell: pl.Expr) -> pl.Expr:
    """Tell whether a cell is not what `rules.ID` says, in the way that costs least."""
    return has_control(cell) | (cell.str.len_chars() > rules.MAX_ID)


def is_formula(cell: pl.Expr) -> pl.Expr:
    """Tell whether a spreadsheet would run a cell; what is infinite or no number only looks like it."""
    return cell.str.contains(f"^(?:{rules.FORMULA})$") & ~cell.str.contains(f"^(?:{rules.NAN_OR_INF})$")


def overflows(value: pl.Expr, whole: pl.Expr) -> pl.Expr:
    """Tell whether a number is too large to be held exactly enough."""
    # From 2**53 on whole numbers are compared here as the nearest float, elsewhere as they are.
    return value.is_null() | (whole & (value.abs() >= 2.0**53))


def most_characters(feature: Feature) -> int | None:
    """Return how long a free text may be; None for what is no free text."""
    if isinstance(feature, TextFeature):
        return feature.max_length
    return rules.MAX_CATEGORY if isinstance(feature, CategoryFeature) and feature.is_open else None


def _accepts_id(use_case: UseCase) -> Expression:
    refused = rf"{OUTER_SPACE}|[{rules.ZERO_WIDTH}]|^(?:{rules.FORMULA})$"
    missing = ["", *use_case.missing_values]

    def holds(cell: pl.Expr) -> pl.Expr:
        return ~(cell.str.contains(refused) | cell.is_in(missing) | is_no_id(cell))

    return holds


def _accepts(feature: Feature, use_case: UseCase, date_cells: Mapping[str, DateCells]) -> Expression:
    missing = list(use_case.missing_values)
    good = _good(feature, use_case.format.decimal, date_cells)
    if feature.required:
        return lambda cell: good(cell) & ~cell.is_in(missing)
    return lambda cell: good(cell) | cell.is_in(missing)


def _good(feature: Feature, decimal: str, date_cells: Mapping[str, DateCells]) -> Expression:
    match feature:
        case NumberFeature():
            return _acceptable_number(feature, decimal)
        case BooleanFeature():
            return lambda cell: cell.str.to_lowercase().is_in(BOOLEAN)
        case DateFeature():
            return _acceptable_date(date_cells[feature.name])
        case TextFeature():
            return lambda cell: cell.str.len_chars().is_between(1, feature.max_length) & ~is_formula(cell)
        case CategoryFeature(is_open=True):
            return _acceptable_category
    categories = list(feature.texts)
    return lambda cell: cell.is_in(categories)


def _acceptable_number(feature: NumberFeature, decimal: str) -> Expression:
    pattern = f"^(?:{rules.INTEGER if feature.type == 'integer' else rules.NUMBER})$"

    def holds(cell: pl.Expr) -> pl.Expr:
        text = with_point(cell, decimal)
        value = number(text)
        return (
            value.is_between(feature.minimum, feature.maximum).fill_null(False)
            & ~overflows(value, pl.lit(feature.type == "integer"))
            & text.str.contains(pattern)
            & (cell.str.len_bytes() <= rules.MAX_KNOWN_CELL)
        )

    return holds


def _acceptable_date(date_cells: DateCells) -> Expression:
    def holds(cell: pl.Expr) -> pl.Expr:
        is_date = cell.map_batches(lambda cells: date_cells.read(cells).is_not_null(), return_dtype=pl.Boolean)
        return is_date & (cell.str.len_bytes() <= rules.MAX_KNOWN_CELL)

    return holds


def _acceptable_category(cell: pl.Expr) -> pl.Expr:
    refused = cell.str.contains(f"{OUTER_SPACE}|[{rules.ZERO_WIDTH}{rules.CONTROL}{LINE_SEPARATOR}]")
    return ~(refused | is_formula(cell)) & cell.str.len_chars().is_between(1, rules.MAX_CATEGORY)
