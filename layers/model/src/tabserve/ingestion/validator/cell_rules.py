"""The rules that refused cells break: pandera schemas with one check a rule, which see only distinct refused cells.

There is one schema a kind of column, for a check costs as much for one cell as for thousands, and there may be
thousands of columns.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import Final

import pandera.polars as pa
import polars as pl

from tabserve.core import rules
from tabserve.core.features import CategoryFeature, Feature, NumberFeature
from tabserve.core.use_case import UseCase
from tabserve.ingestion.validator.date_cells import DateCells
from tabserve.ingestion.validator.schema import (
    BOOLEAN,
    OUTER_SPACE,
    Expression,
    has_control,
    is_formula,
    is_no_id,
    most_characters,
    number,
    overflows,
    with_point,
)

SAME_KIND: Final = {"datetime": "date", "integer": "number"}
Rules = dict[str, Expression]
COLUMN: Final = "column"
CELL: Final = "cell"


class CellRules:
    """Names the rules that refused cells break."""

    def __init__(self, use_case: UseCase, date_cells: Mapping[str, DateCells]) -> None:
        missing = ["", *use_case.missing_values]
        self._decimal = use_case.format.decimal
        self._kinds: dict[str, str] = dict.fromkeys(use_case.id_columns, "id")
        self._kinds |= {feature.name: _kind(feature) for feature in use_case.features}
        categories = [feature for feature in use_case.features if isinstance(feature, CategoryFeature)]
        self._schemas: dict[str, pa.DataFrameSchema] = {
            "id": _schema(_rules_of_ids(missing)),
            "category": _schema(_rules_of_categories(categories, missing)),
            "open category": _schema(_rules_of_open_categories(missing)),
            "text": _schema(_rules_of_texts(missing)),
            "boolean": _schema(_rules_of_booleans(missing)),
            "date": _schema(_rules_of_dates(date_cells, missing)),
            "number": _schema(_rules_of_numbers([_with_point(text, self._decimal) for text in missing], self._decimal)),
        }
        # What the checks of a cell ask for beside it.
        self._columns = pl.DataFrame(
            [
                *((name, True, None, False, None, None) for name in use_case.id_columns),
                *((f.name, f.required, most_characters(f), *_bounds(f)) for f in use_case.features),
            ],
            schema={
                COLUMN: pl.String,
                "required": pl.Boolean,
                "most": pl.UInt32,
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
            if kind == "number":
                frame = frame.with_columns(with_point(pl.col(CELL), self._decimal))
            frame = frame.join(self._columns, on=COLUMN, how="left", maintain_order="left")
            for place, rule in _failures(schema, frame):
                found[asked[place]].append(rule)
        return {cell: tuple(rules_) for cell, rules_ in found.items()}


def _with_point(text: str, decimal: str) -> str:
    return text if decimal == "." else text.translate(str.maketrans(".,", ",."))


def _kind(feature: Feature) -> str:
    if isinstance(feature, CategoryFeature):
        return "open category" if feature.is_open else "category"
    return SAME_KIND.get(feature.type, feature.type)


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


def _rules_of_ids(missing: list[str]) -> Rules:
    content = _contents() | {"formula_cell": _matches(rules.FORMULA)}
    unusable: Expression = lambda cell: is_no_id(cell) & ~content["too_long_cell"](cell)  # noqa: E731
    return _rules_of_all(missing) | content | {"not_an_id": unusable}


def _rules_of_categories(features: Collection[CategoryFeature], missing: list[str]) -> Rules:
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


def _rules_of_open_categories(missing: list[str]) -> Rules:
    content = _contents() | {"too_long_cell": _is_too_long_text}
    return _rules_of_all(missing) | content | {"not_a_text": has_control}


def _rules_of_texts(missing: list[str]) -> Rules:
    """Return the rules of texts, which may have any characters at their ends and inside."""
    return {
        "missing_value": lambda cell: cell.is_in(missing) & pl.col("required"),
        "too_long_cell": _is_too_long_text,
        "formula_cell": is_formula,
    }


def _rules_of_booleans(missing: list[str]) -> Rules:
    content = _contents()

    def is_no_boolean(cell: pl.Expr) -> pl.Expr:
        return ~_core(cell).str.to_lowercase().is_in(BOOLEAN) & _unexplained(cell, missing, content)

    return _rules_of_all(missing) | content | {"not_a_boolean": is_no_boolean}


def _rules_of_dates(date_cells: Mapping[str, DateCells], missing: list[str]) -> Rules:
    content = _contents()

    def is_date(asked: dict[str, str]) -> bool:
        return date_cells[asked[COLUMN]].is_date(asked[CELL])

    def is_no_date(cell: pl.Expr) -> pl.Expr:
        asked = pl.struct(pl.col(COLUMN), _core(cell).alias(CELL))
        return ~asked.map_elements(is_date, return_dtype=pl.Boolean) & _unexplained(cell, missing, content)

    return _rules_of_all(missing) | content | {"not_a_date": is_no_date}


def _rules_of_numbers(missing: list[str], decimal: str) -> Rules:
    other_sign = "decimal_comma" if decimal == "." else "decimal_point"
    content = _contents() | {
        "non_ascii_digits": lambda cell: cell.str.contains(r"[\p{Nd}&&[^0-9]]"),
        other_sign: lambda cell: _matches(rules.DECIMAL_COMMA)(cell) & ~_matches(rules.THOUSANDS)(cell),
        "thousands_separator": _matches(rules.THOUSANDS),
        "underscore_or_hex": _matches(rules.UNDERSCORE_OR_HEX),
        "nan_or_inf_text": _matches(rules.NAN_OR_INF),
    }
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
            "overflow": lambda cell: is_number(cell) & overflows(number(_core(cell)), whole),
            "below_minimum": lambda cell: is_number(cell) & (number(_core(cell)) < pl.col("minimum")),
            "above_maximum": lambda cell: is_number(cell) & (number(_core(cell)) > pl.col("maximum")),
            "not_an_integer": is_wrong_whole,
            "not_a_number": is_no_number,
        }
    )


def _rules_of_all(missing: list[str]) -> Rules:
    return {
        "missing_value": lambda cell: _core(cell).is_in(missing) & pl.col("required"),
        "surrounding_space": lambda cell: cell.str.contains(OUTER_SPACE),
        "zero_width_character": lambda cell: cell.str.contains(f"[{rules.ZERO_WIDTH}]"),
    }


def _contents() -> Rules:
    return {
        "too_long_cell": lambda cell: cell.str.len_bytes() > rules.MAX_KNOWN_CELL,
        "formula_cell": lambda cell: is_formula(_core(cell)),
    }


def _is_too_long_text(cell: pl.Expr) -> pl.Expr:
    return cell.str.len_chars() > pl.col("most")


def _unexplained(cell: pl.Expr, missing: list[str], content: Mapping[str, Expression]) -> pl.Expr:
    return ~pl.any_horizontal(_core(cell).is_in(missing), *(broken(cell) for broken in content.values()))


def _matches(pattern: str) -> Expression:
    return lambda cell: _core(cell).str.contains(f"^(?:{pattern})$")


def _core(cell: pl.Expr) -> pl.Expr:
    """Return a cell without outer white space and invisible characters: what its writer meant."""
    return cell.str.replace_all(f"[{rules.ZERO_WIDTH}]", "").str.strip_chars()
