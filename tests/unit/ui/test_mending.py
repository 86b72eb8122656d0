"""Bad rows put right: values alike in all rows, single cells, and what is still wrong."""

from typing import Any

import pandas as pd
import pytest

from tabserve.core.rules import DESCRIPTIONS
from ui.cell_checks import CellChecks
from ui.mending import Alike, BadRows, Changes

DEFINITION: dict[str, Any] = {
    "id_column": "Id",
    "missing_values": ["", "NA"],
    "format": {"decimal": ".", "delimiter": ","},
    "rules": DESCRIPTIONS,
    "features": [
        {"name": "Sex", "type": "category", "categories": ["male", "female"], "required": True},
        {"name": "Class", "type": "category", "categories": [1, 2], "required": False},
        {"name": "Age", "type": "number", "minimum": 0.0, "maximum": 120.0, "required": False},
        {"name": "Seats", "type": "integer", "minimum": 1, "maximum": 9, "required": True},
    ],
}
CHECKS = CellChecks(DEFINITION)
HEADER = ["Id", " sex ", "Age", "Seats"]


def bad(*rows: tuple[str, str, str, str]) -> BadRows:
    """Rows as line, column at fault, rule and value."""
    return BadRows(
        pd.DataFrame(
            {
                "row_number": [10 * place for place in range(1, len(rows) + 1)],
                "raw": [raw for raw, *_ in rows],
                "reasons": [[{"column": column, "rule": rule, "value": value}] for _, column, rule, value in rows],
            }
        ),
        HEADER,
        DEFINITION,
    )


ROW = ("9,male,500,4", "Age", "above_maximum", "500")
ROWS = bad(
    ("1,Male,3,4", "Sex", "case_variant", "Male"),
    ("2,Male,3,4", "Sex", "case_variant", "Male"),
    ("3,male,abc,4", "Age", "not_a_number", "abc"),
    ("4,male", "", "too_few_fields", "4,male"),
)


def test_what_is_wrong_alike_is_put_right_in_all_rows() -> None:
    assert ROWS.alike(CHECKS)[0] == Alike(" sex ", "case_variant", "Male", 2, "male")
    changes = Changes(alike={(" sex ", "Male", ""): "male"})
    now = ROWS.changed(changes)
    assert list(now[" sex "]) == ["male"] * 4
    assert list(ROWS.problems(now, CHECKS) == "") == [True, True, False, False]


def test_many_values_that_break_a_rule_are_put_right_as_one() -> None:
    rows = bad(*((f"{age},male,{age}x,4", "Age", "not_a_number", f"{age}x") for age in range(9)), ROW)
    every, *each = rows.alike(CHECKS)
    assert every == Alike("Age", "not_a_number", None, 9)
    assert len(each) == 10
    now = rows.changed(Changes(alike={every.key: "", each[1].key: "7"}))
    assert list(now["Age"]) == ["7", *[""] * 8, "500"]
    assert list(rows.problems(now, CHECKS) == "") == [True] * 9 + [False]


def test_a_reason_goes_when_its_cell_is_good() -> None:
    worse, better = (ROWS.changed(Changes(cells={30: {"Age": age}})) for age in ("500", "50"))
    assert ROWS.problems(ROWS.cells, CHECKS)[30] == "Age: the cell is not a number (“abc”)"
    assert ROWS.problems(worse, CHECKS)[30] == "Age: must be a number from 0 to 120, not “500”"
    assert ROWS.problems(better, CHECKS)[30] == ""


def test_a_row_of_the_wrong_length_must_be_changed_and_then_be_good() -> None:
    assert ROWS.problems(ROWS.cells, CHECKS)[40].startswith("row: the row has fewer fields")
    assert ROWS.problems(ROWS.changed(Changes(cells={40: {"Seats": "3"}})), CHECKS)[40] == ""


def test_columns_at_fault_are_named_as_the_header_does() -> None:
    assert ROWS.columns_at_fault() == [" sex ", "Age"]


@pytest.mark.parametrize(
    ("column", "cell", "is_good"),
    [
        *(("Sex", "male", True), ("Sex", "Male", False), ("Sex", "", False), ("Class", "2", True)),
        *(("Class", "NA", True), ("Class", "3", False), ("Age", "1e1", True), ("Age", "-1", False)),
        *(("Age", " 1", False), ("Age", "nan", False), ("Seats", "2.0", False), ("Seats", "+2", True)),
        *(("Seats", "NA", False), ("Id", "", False), ("Id", "=1", False), ("Id", "a1", True), ("Other", "x", True)),
    ],
)
def test_cells_are_checked_as_ingestion_does(column: str, cell: str, is_good: bool) -> None:
    assert (CHECKS.problem(column, cell) == "") == is_good


@pytest.mark.parametrize(
    ("column", "rule", "cell", "meant"),
    [
        ("Sex", "case_variant", "FEMALE", "female"),
        ("Sex", "surrounding_space", " male ", "male"),
        ("Sex", "unknown_category", "man", None),
        ("Age", "decimal_comma", "7,25", "7.25"),
        ("Age", "decimal_comma", "1.000,5", None),
        ("Age", "non_ascii_digits", "٢٢", "22"),
        ("Age", "above_maximum", "500", None),
    ],
)
def test_clear_meanings_are_suggested(column: str, rule: str, cell: str, meant: str | None) -> None:
    assert CHECKS.suggestion(column, rule, cell) == meant


@pytest.mark.parametrize(("cell", "meant"), [("1,000", "1000"), ("1 000.5", "1000.5"), ("1.000.000", "1000000")])
def test_separators_of_thousands_are_taken_out(cell: str, meant: str) -> None:
    wide = {**DEFINITION["features"][2], "maximum": 1e9}
    assert CellChecks({**DEFINITION, "features": [wide]}).suggestion("Age", "thousands_separator", cell) == meant
