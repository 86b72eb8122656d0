"""What a use case asks of cells, every one of them read as text.

It is said from both sides. `accepting` has one expression a column, the definition of a good cell, and sees every row.
`CellRules` has pandera schemas with one check a rule and sees only the distinct cells that were not accepted: one
schema a kind of column, for a check costs as much for one cell as for thousands, and there may be thousands of columns.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping
from typing import Final, Literal

import pandera.polars as pa
import polars as pl

from tabserve.core import rules
from tabserve.core.features import CategoryFeature, Feature, NumberFeature
from tabserve.core.use_case import UseCase

Expression = Callable[[pl.Expr], pl.Expr]
Kind = Literal["id", "category", "number"]
COLUMN: Final = "column"
CELL: Final = "cell"
LINE_SEPARATOR: Final = "\u2028"


def accepting(use_case: UseCase) -> dict[str, Expression]:
    """Return, by column, the expression that is true for the cells of a good row."""
    return {use_case.id_column: _accepts_id(use_case)} | {
        feature.name: _accepts(feature, use_case) for feature in use_case.features
    }


def number(cell: pl.Expr) -> pl.Expr:
    """Return the number a cell is read as; null for text and for what no float can hold."""
    value = cell.cast(pl.Float64, strict=False)
    return pl.when(value.is_finite()).then(value)


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
    if isinstance(feature, NumberFeature):
        good = _acceptable_number(feature)
    else:
        categories = list(getattr(feature, "texts", ()))
        good = lambda cell: cell.is_in(categories)  # noqa: E731
    if feature.required:
        return lambda cell: good(cell) & ~cell.is_in(missing)
    return lambda cell: good(cell) | cell.is_in(missing)


def _acceptable_number(feature: NumberFeature) -> Expression:
    pattern = f"^(?:{rules.INTEGER if feature.type == 'integer' else rules.NUMBER})$"

    def holds(cell: pl.Expr) -> pl.Expr:
        in_range = number(cell).is_between(feature.minimum, feature.maximum).fill_null(False)
        return (
            in_range
            & ~_overflows(cell, pl.lit(feature.type == "integer"))
            & cell.str.contains(pattern)
            & (cell.str.len_bytes() <= rules.MAX_KNOWN_CELL)
        )

    return holds


def _overflows(cell: pl.Expr, whole: pl.Expr) -> pl.Expr:
    value = number(cell)
    # From 2**53 on whole numbers are compared here as the nearest float, elsewhere as they are.
    return value.is_null() | (whole & (value.abs() >= 2.0**53))


class CellRules:
    """Names the rules that refused cells break."""

    def __init__(self, use_case: UseCase) -> None:
        missing = ["", *use_case.missing_values]
        self._kinds: dict[str, Kind] = {use_case.id_column: "id"}
        self._kinds |= {f.name: "category" if isinstance(f, CategoryFeature) else "number" for f in use_case.features}
        categories = [feature for feature in use_case.features if isinstance(feature, CategoryFeature)]
        self._schemas: dict[Kind, pa.DataFrameSchema] = {
            "id": _schema(_rules_of_ids(missing)),
            "category": _schema(_rules_of_categories(categories, missing)),
            "number": _schema(_rules_of_numbers(missing)),
        }
        # What the checks of a cell ask for beside it.
        self._columns = pl.DataFrame(
            [
                (use_case.id_column, True, False, None, None),
                *((f.name, f.required, *_bounds(f)) for f in use_case.features),
            ],
            schema={
                COLUMN: pl.String,
                "required": pl.Boolean,
                "whole": pl.Boolean,
                "minimum": pl.Float64,
                "maximum": pl.Float64,
            },
            orient="row",
        )

    def broken(self, cells: Mapping[str, Collection[str]]) -> dict[tuple[str, str], tuple[str, ...]]:
        """Return the rules that distinct values, by column, break; none for a value that no specific rule explains."""
        found: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
        for kind, schema in self._schemas.items():
            asked = [(name, value) for name, values in cells.items() if self._kinds[name] == kind for value in values]
            if not asked:
                continue
            frame = pl.DataFrame(asked, schema={COLUMN: pl.String, CELL: pl.String}, orient="row")
            frame = frame.join(self._columns, on=COLUMN, how="left", maintain_order="left")
            for place, rule in _failures(schema, frame):
                found[asked[place]].append(rule)
        return {cell: tuple(rules_) for cell, rules_ in found.items()}


def _bounds(feature: Feature) -> tuple[bool, float | None, float | None]:
    if not isinstance(feature, NumberFeature):
        return False, None, None
    return feature.type == "integer", float(feature.minimum), float(feature.maximum)


def _schema(broken: Mapping[str, Expression]) -> pa.DataFrameSchema:
    checks = [_check(rule, is_broken) for rule, is_broken in broken.items()]
    return pa.DataFrameSchema({CELL: pa.Column(str, checks=checks)})


def _check(name: str, broken: Expression) -> pa.Check:
    def check(data: pa.PolarsData) -> pl.LazyFrame:
        return data.lazyframe.select(~broken(pl.col(data.key)).fill_null(False))

    return pa.Check(check, name=name)


def _failures(schema: pa.DataFrameSchema, frame: pl.DataFrame) -> list[tuple[int, str]]:
    """Return the failure cases of a frame, rule by rule: place and rule."""
    try:
        schema.validate(frame, lazy=True)
    except pa.errors.SchemaErrors as error:
        cases: list[tuple[int, str]] = error.failure_cases.select("index", "check").rows()
        return cases
    return []


def _rules_of_ids(missing: list[str]) -> dict[str, Expression]:
    content = _contents()
    return (
        _rules_of_all(missing) | content | {"not_an_id": lambda cell: _is_no_id(cell) & ~content["too_long_cell"](cell)}
    )


def _rules_of_categories(features: Collection[CategoryFeature], missing: list[str]) -> dict[str, Expression]:
    content = _contents()
    exact = [f"{feature.name}\0{text}" for feature in features for text in feature.texts]
    folded = list({f"{feature.name}\0{text.lower()}" for feature in features for text in feature.texts})

    def is_variant(cell: pl.Expr) -> pl.Expr:
        return _named(_core(cell).str.to_lowercase()).is_in(folded)

    return (
        _rules_of_all(missing)
        | content
        | {
            "case_variant": lambda cell: is_variant(cell) & ~_named(_core(cell)).is_in(exact),
            "unknown_category": lambda cell: ~is_variant(cell) & _unexplained(cell, missing, content),
        }
    )


def _named(cell: pl.Expr) -> pl.Expr:
    return pl.concat_str(COLUMN, cell, separator="\0")


def _rules_of_numbers(missing: list[str]) -> dict[str, Expression]:
    content = _contents() | _NOTATIONS
    is_number, is_integer, is_boolean = map(_matches, (rules.NUMBER, rules.INTEGER, rules.BOOLEAN))
    whole = pl.col("whole")

    def is_wrong_whole(cell: pl.Expr) -> pl.Expr:
        return whole & (is_boolean(cell) | (is_number(cell) & ~is_integer(cell)))

    def is_no_number(cell: pl.Expr) -> pl.Expr:
        return ~is_number(cell) & ~(whole & is_boolean(cell)) & _unexplained(cell, missing, content)

    return (
        _rules_of_all(missing)
        | content
        | {
            "overflow": lambda cell: is_number(cell) & _overflows(_core(cell), whole),
            "below_minimum": lambda cell: is_number(cell) & (number(_core(cell)) < pl.col("minimum")),
            "above_maximum": lambda cell: is_number(cell) & (number(_core(cell)) > pl.col("maximum")),
            "not_an_integer": is_wrong_whole,
            "not_a_number": is_no_number,
        }
    )


def _rules_of_all(missing: list[str]) -> dict[str, Expression]:
    return {
        "missing_value": lambda cell: _core(cell).is_in(missing) & pl.col("required"),
        "surrounding_space": lambda cell: cell.str.contains(r"^\s|\s$"),
        "zero_width_character": lambda cell: cell.str.contains(f"[{rules.ZERO_WIDTH}]"),
    }


def _contents() -> dict[str, Expression]:
    return {
        "too_long_cell": lambda cell: cell.str.len_bytes() > rules.MAX_KNOWN_CELL,
        "formula_cell": lambda cell: _matches(rules.FORMULA)(cell) & ~_matches(rules.NAN_OR_INF)(cell),
    }


def _unexplained(cell: pl.Expr, missing: list[str], content: Mapping[str, Expression]) -> pl.Expr:
    return ~pl.any_horizontal(_core(cell).is_in(missing), *(broken(cell) for broken in content.values()))


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
