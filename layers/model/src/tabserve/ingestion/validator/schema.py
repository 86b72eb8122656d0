"""Pandera schemas generated from a use case: every column is text, every rule is one check on that text.

Two schemas say the same from both sides. `accepting` has one check a column, the definition of a good cell, and sees
every row. `explaining` has one check a rule and sees only the cells that were not accepted.
"""

from collections.abc import Callable, Iterable
from typing import Final

import pandera.polars as pa
import polars as pl

from tabserve.core import rules
from tabserve.core.use_case import CategoryFeature, Feature, NumberFeature, UseCase

Expression = Callable[[pl.Expr], pl.Expr]
ACCEPTED: Final = "accepted"
LINE_SEPARATOR: Final = "\u2028"


def accepting(use_case: UseCase) -> pa.DataFrameSchema:
    """Return the schema that every cell of a good row satisfies."""
    columns = {use_case.id_column: _column([_check(ACCEPTED, _accepts_id(use_case))])}
    columns |= {feature.name: _column([_check(ACCEPTED, _accepts(feature, use_case))]) for feature in use_case.features}
    return pa.DataFrameSchema(columns)


def explaining(use_case: UseCase) -> dict[str, pa.DataFrameSchema]:
    """Return, by column, a schema with one check a rule for cells that `accepting` refused."""
    features: dict[str, Feature | None] = {use_case.id_column: None}
    features |= {feature.name: feature for feature in use_case.features}
    return {
        name: pa.DataFrameSchema({name: _column(_rule_checks(feature, use_case))}) for name, feature in features.items()
    }


def number(cell: pl.Expr) -> pl.Expr:
    """Return the number a cell is read as; null for text and for what no float can hold."""
    value = cell.cast(pl.Float64, strict=False)
    return pl.when(value.is_finite()).then(value)


def _column(checks: list[pa.Check]) -> pa.Column:
    return pa.Column(str, checks=checks)


def _check(name: str, holds: Expression) -> pa.Check:
    def check(data: pa.PolarsData) -> pl.LazyFrame:
        return data.lazyframe.select(holds(pl.col(data.key)))

    return pa.Check(check, name=name)


def _accepts_id(use_case: UseCase) -> Expression:
    refused = rf"^\s|\s$|[{rules.ZERO_WIDTH}]|^(?:{rules.FORMULA})$"
    missing = ["", *use_case.missing_values]

    def holds(cell: pl.Expr) -> pl.Expr:
        return ~(cell.str.contains(refused) | cell.is_in(missing) | _is_no_id(cell))

    return holds


def _is_no_id(cell: pl.Expr) -> pl.Expr:
    # As `rules.ID` says, in the way that costs least; a line end inside a cell has become a line separator.
    return cell.str.contains(f"[{rules.CONTROL}{LINE_SEPARATOR}]") | (cell.str.len_chars() > rules.MAX_ID)


def _accepts(feature: Feature, use_case: UseCase) -> Expression:
    missing = list(use_case.missing_values)
    good: Expression
    if isinstance(feature, CategoryFeature):
        categories = list(feature.texts)
        good = lambda cell: cell.is_in(categories)  # noqa: E731
    else:
        good = _acceptable_number(feature)
    if feature.required:
        return lambda cell: good(cell) & ~cell.is_in(missing)
    return lambda cell: good(cell) | cell.is_in(missing)


def _acceptable_number(feature: NumberFeature) -> Expression:
    pattern = f"^(?:{rules.INTEGER if feature.type == 'integer' else rules.NUMBER})$"

    def holds(cell: pl.Expr) -> pl.Expr:
        in_range = number(cell).is_between(feature.minimum, feature.maximum).fill_null(False)
        return (
            in_range
            & ~_overflows(cell, feature)
            & cell.str.contains(pattern)
            & (cell.str.len_bytes() <= rules.MAX_KNOWN_CELL)
        )

    return holds


def _overflows(cell: pl.Expr, feature: NumberFeature) -> pl.Expr:
    value = number(cell)
    # From 2**53 on whole numbers are compared here as the nearest float, elsewhere as they are.
    return value.is_null() if feature.type == "number" else value.is_null() | (value.abs() >= 2.0**53)


def _rule_checks(feature: Feature | None, use_case: UseCase) -> list[pa.Check]:
    return [_check(rule, _not(broken)) for rule, broken in _broken_by(feature, use_case).items()]


def _not(broken: Expression) -> Expression:
    return lambda cell: ~broken(cell).fill_null(False)


def _broken_by(feature: Feature | None, use_case: UseCase) -> dict[str, Expression]:
    """Return, by rule, the expression that is true for the cells that break it."""
    required = feature is None or feature.required
    missing = ["", *use_case.missing_values]
    found: dict[str, Expression] = {
        "missing_value": lambda cell: _core(cell).is_in(missing) & required,
        "surrounding_space": lambda cell: cell.str.contains(r"^\s|\s$"),
        "zero_width_character": lambda cell: cell.str.contains(f"[{rules.ZERO_WIDTH}]"),
    }
    content: dict[str, Expression] = {
        "too_long_cell": lambda cell: cell.str.len_bytes() > rules.MAX_KNOWN_CELL,
        "formula_cell": lambda cell: _matches(rules.FORMULA)(cell) & ~_matches(rules.NAN_OR_INF)(cell),
    }
    if feature is None:
        return found | content | {"not_an_id": lambda cell: _is_no_id(cell) & ~content["too_long_cell"](cell)}

    def unexplained(cell: pl.Expr) -> pl.Expr:
        return ~pl.any_horizontal(_core(cell).is_in(missing), *(broken(cell) for broken in content.values()))

    if isinstance(feature, CategoryFeature):
        return found | content | _category_rules(feature, unexplained)
    content |= _NOTATIONS
    return found | content | _number_rules(feature, unexplained)


def _category_rules(feature: CategoryFeature, unexplained: Expression) -> dict[str, Expression]:
    exact, folded = list(feature.texts), sorted({text.lower() for text in feature.texts})

    def is_variant(cell: pl.Expr) -> pl.Expr:
        return _core(cell).str.to_lowercase().is_in(folded)

    return {
        "case_variant": lambda cell: is_variant(cell) & ~_core(cell).is_in(exact),
        "unknown_category": lambda cell: ~is_variant(cell) & unexplained(cell),
    }


def _number_rules(feature: NumberFeature, unexplained: Expression) -> dict[str, Expression]:
    is_number, is_integer, is_boolean = map(_matches, (rules.NUMBER, rules.INTEGER, rules.BOOLEAN))
    found: dict[str, Expression] = {
        "overflow": lambda cell: is_number(cell) & _overflows(_core(cell), feature),
        "below_minimum": lambda cell: is_number(cell) & (number(_core(cell)) < feature.minimum),
        "above_maximum": lambda cell: is_number(cell) & (number(_core(cell)) > feature.maximum),
    }
    if feature.type == "number":
        return found | {"not_a_number": lambda cell: ~is_number(cell) & unexplained(cell)}
    return found | {
        "not_an_integer": lambda cell: is_boolean(cell) | (is_number(cell) & ~is_integer(cell)),
        "not_a_number": lambda cell: ~is_number(cell) & ~is_boolean(cell) & unexplained(cell),
    }


def _matches(pattern: str) -> Expression:
    return lambda cell: _core(cell).str.contains(f"^(?:{pattern})$")


def _core(cell: pl.Expr) -> pl.Expr:
    """Return a cell without outer white space and invisible characters: what its writer meant."""
    return cell.str.replace_all(f"[{rules.ZERO_WIDTH}]", "").str.strip_chars()


_NOTATIONS: Final[dict[str, Expression]] = {
    "non_ascii_digits": lambda cell: cell.str.contains(r"[\p{Nd}&&[^0-9]]"),
    "decimal_comma": lambda cell: _matches(rules.DECIMAL_COMMA)(cell) & ~_matches(rules.THOUSANDS)(cell),
    "thousands_separator": _matches(rules.THOUSANDS),
    "underscore_or_hex": _matches(rules.UNDERSCORE_OR_HEX),
    "nan_or_inf_text": _matches(rules.NAN_OR_INF),
}


def explain(schema: pa.DataFrameSchema, column: str, values: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Return the rules each distinct value of a column breaks."""
    frame = pl.DataFrame({column: pl.Series(list(values), dtype=pl.String)})
    found: dict[str, list[str]] = {}
    for value, rule in failures(schema, frame).select("failure_case", "check").iter_rows():
        found.setdefault(value, []).append(rule)
    return {value: tuple(broken) for value, broken in found.items()}


def failures(schema: pa.DataFrameSchema, frame: pl.DataFrame) -> pl.DataFrame:
    """Return the failure cases of a frame: column, check, value and row."""
    try:
        schema.validate(frame, lazy=True)
    except pa.errors.SchemaErrors as error:
        cases: pl.DataFrame = error.failure_cases
        return cases
    return pl.DataFrame(schema={"column": pl.String, "check": pl.String, "failure_case": pl.String, "index": pl.Int32})
