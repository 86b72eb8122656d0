"""Every type of column: which cells are good, for which reasons others are not, and what is told of them."""

from typing import Any

import pytest

from tabserve.core.use_case import UseCase
from tabserve.ingestion.expectations import expectations
from tabserve.ingestion.validator import statistics
from tests.unit.ingestion.conftest import USE_CASE, Outcome, validate_bytes


def use_case(*features: dict[str, Any], **changes: Any) -> UseCase:
    known = [{"name": f"c{place}", **feature} for place, feature in enumerate(features)]
    anchor = {"name": "n", "type": "integer", "required": False, "impute": "mean"}
    return UseCase.model_validate(USE_CASE.model_dump() | {"features": [*known, anchor], "ignore": ()} | changes)


def validated(feature: dict[str, Any], *cells: str, **changes: Any) -> Outcome:
    lines = "".join(f'{number},"{cell.replace(chr(34), chr(34) * 2)}",\n' for number, cell in enumerate(cells, 1))
    return validate_bytes(f"id,c0,n\n{lines}".encode(), use_case(feature, **changes))


def verdicts(feature: dict[str, Any], *cells: str) -> list[set[str]]:
    """The rules that each cell breaks."""
    reasons = validated(feature, *cells).reasons
    return [{rule for _, rule in reasons.get(number, ())} for number in range(1, len(cells) + 1)]


BOOLEAN = {"type": "boolean"}
OPEN = {"type": "category", "categories": "open"}
TEXT = {"type": "text", "max_length": 2_000}
DAY = {"type": "date"}
GERMAN_DAY = {"type": "date", "format": "%d.%m.%Y"}
NAMED_DAY = {"type": "date", "format": "%d %b %Y"}
TIME = {"type": "datetime"}
NUMBER = {"type": "number"}

CASES: list[tuple[dict[str, Any], str, set[str]]] = [
    *((BOOLEAN, cell, set()) for cell in ("true", "FALSE", "Yes", "nO", "t", "F", "y", "N", "1", "0")),
    *((BOOLEAN, cell, {"not_a_boolean"}) for cell in ("2", "on", "wahr", "tru", "1.0", "\u017f")),
    (BOOLEAN, "", {"missing_value"}),
    (BOOLEAN, " yes", {"surrounding_space"}),
    (BOOLEAN, "ye\u200bs", {"zero_width_character"}),
    (BOOLEAN, "y" * 1_001, {"too_long_cell"}),
    (BOOLEAN, "=1", {"formula_cell"}),
    (BOOLEAN, "\0", {"null_byte", "not_a_boolean"}),
    *((OPEN, cell, set()) for cell in ("10115", "Größe L", 'a "b", c', "-", "é" * 200, "-Infinity", "nan")),
    (OPEN, "é" * 201, {"too_long_cell"}),
    (OPEN, "NA", {"missing_value"}),
    (OPEN, "a ", {"surrounding_space"}),
    (OPEN, "a\u200bb", {"zero_width_character"}),
    (OPEN, "a\tb", {"not_a_text"}),
    (OPEN, "a\nb", {"not_a_text"}),
    (OPEN, "a\0b", {"not_a_text", "null_byte"}),
    (OPEN, "+cmd|x", {"formula_cell"}),
    *((TEXT, cell, set()) for cell in (" Braund, Mr. Owen", "a\nb", "a\tb", "a\u200bb", "x" * 2_000, "  ", "-5 °C")),
    (TEXT, "x" * 2_001, {"too_long_cell"}),
    (TEXT, "", {"missing_value"}),
    (TEXT, "=1+1", {"formula_cell"}),
    (TEXT, "a\0b", {"null_byte"}),
    *((DAY, cell, set()) for cell in ("2024-02-29", "0001-01-01", "9999-12-31", "20240229", "2024-W09-4")),
    *((DAY, cell, {"not_a_date"}) for cell in ("2023-02-29", "0000-01-01", "29.02.2024", "2024-2-9", "today", "٢٠٢٤")),
    (DAY, "2024-02-29T00:00:00", {"not_a_date"}),
    (DAY, " 2024-02-29", {"surrounding_space"}),
    (DAY, " today", {"surrounding_space", "not_a_date"}),
    (DAY, "2024-\u200b02-29", {"zero_width_character"}),
    (DAY, "=1", {"formula_cell"}),
    (DAY, "NA", {"missing_value"}),
    *((GERMAN_DAY, cell, set()) for cell in ("29.02.2024", "1.2.2024", "01.02.0999")),
    *((GERMAN_DAY, cell, {"not_a_date"}) for cell in ("29.02.2023", "2024-02-29", "31.04.2024", "00.01.2024")),
    *((NAMED_DAY, cell, set()) for cell in ("29 Feb 2024", "1 jan 2024")),
    *((NAMED_DAY, cell, {"not_a_date"}) for cell in ("29 Feb 2023", "1 Jänner 2024")),
    *((TIME, cell, set()) for cell in ("2024-02-29T23:59:59", "2024-02-29 00:00:00", "2024-02-29T12:00:00.5+02:00")),
    *((TIME, cell, set()) for cell in ("2024-02-29", "2024-02-29T12", "0001-01-01T00:00:00+14:00")),
    *((TIME, cell, {"not_a_date"}) for cell in ("2024-02-29T24:00:01", "2024-02-29T12:00:60", "12:00", "now")),
    *((NUMBER, cell, set()) for cell in ("1.7976931348623157e308", "-1e308", "0")),
    (NUMBER, "1e309", {"overflow"}),
]


@pytest.mark.parametrize(("feature", "cell", "rules"), CASES, ids=[f"{f['type']} {c[:20]!a}" for f, c, _ in CASES])
def test_a_cell_is_good_or_bad_for_exactly_these_reasons(feature: dict[str, Any], cell: str, rules: set[str]) -> None:
    assert verdicts(feature, cell, cell + "") == [rules, rules]
    if rules & {"missing_value"}:
        assert verdicts(
            {**feature, "required": False, "impute": "most_frequent"}
            if feature is BOOLEAN
            else {**feature, "required": False},
            cell,
        ) == [set()]


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "Pacific/Kiritimati"])
def test_dates_are_told_from_the_earliest_to_the_latest(zone: str) -> None:
    cells = ("2024-03-01T10:00:00", "2023-12-31 23:59:59", "2024-06-30T12:00:00", "NA", "never")
    column = validated({**TIME, "timezone": zone, "required": False}, *cells).result.statistics[0]
    assert (column.earliest, column.latest, column.missing) == ("2023-12-31 23:59:59", "2024-06-30 12:00:00", 1)
    column = validated(GERMAN_DAY, "1.2.2024", "31.12.2023", "15.01.1969").result.statistics[0]
    assert (column.earliest, column.latest) == ("1969-01-15", "2024-02-01")


def test_times_with_an_offset_are_told_on_a_clock_of_the_timezone() -> None:
    cells = ("2024-01-01T00:00:00+00:00", "2024-01-01T00:30:00+01:00")
    column = validated({**TIME, "timezone": "Europe/Berlin"}, *cells).result.statistics[0]
    assert (column.earliest, column.latest) == ("2024-01-01 00:30:00", "2024-01-01 01:00:00")


def test_booleans_are_counted_however_they_are_written() -> None:
    column = validated(BOOLEAN, "yes", "TRUE", "1", "no", "F", "maybe").result.statistics[0]
    assert column.top == (("true", 3), ("false", 2))


def test_an_open_category_is_counted_within_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statistics, "COUNTED", 20)
    cells = [*(f"rare {number}" for number in range(500)), *["often"] * 40, *["seldom"] * 30]
    column = validated(OPEN, *cells).result.statistics[0]
    assert column.top_is_estimated
    assert column.top[:2] == (("often", 40), ("seldom", 30))
    assert (column.values, column.others) == (570, 492)
    few = validated(OPEN, *["a"] * 3, "b").result.statistics[0]
    assert (few.top, few.others, few.top_is_estimated) == ((("a", 3), ("b", 1)), 0, False)


def test_numbers_outside_of_the_usual_range_are_counted_and_their_rows_stay_good() -> None:
    feature = {"type": "number", "usual": [0, 250_000]}
    outcome = validated(feature, "1", "-1", "250000", "250000.5", "1e9")
    assert outcome.reasons == {}
    assert outcome.result.statistics[0].unusual == 3
    told = expectations(use_case(feature), outcome.result)[2]
    assert told.holds
    assert told.expected == "a number, usually 0 to 250,000"
    assert told.observed == "-1 to 1,000,000,000; 3 of 5 rows outside of the usual range 0 to 250,000"


@pytest.mark.parametrize(
    ("feature", "cells", "expected", "observed"),
    [
        (BOOLEAN, ("yes", "no"), "yes or no", "false 50 %, true 50 %"),
        (OPEN, ("a", "a", "b"), "a text of up to 200 characters", "a 66.7 %, b 33.3 %"),
        (TEXT, ("a",), "a text of up to 2,000 characters", "a text"),
        (DAY, ("2024-01-02", "2024-01-03"), "a date in ISO 8601", "2024-01-02 to 2024-01-03"),
        (GERMAN_DAY, ("02.01.2024",), "a date as %d.%m.%Y", "2024-01-02 to 2024-01-02"),
        (TIME, ("2024-01-02T03:04:05",), "a time in ISO 8601", "2024-01-02 03:04:05 to 2024-01-02 03:04:05"),
        (NUMBER, ("1", "2"), "a number", "1 to 2"),
        ({**NUMBER, "minimum": 1}, ("1", "2"), "a number from 1 on", "1 to 2"),
        ({**NUMBER, "maximum": 2}, ("1", "2"), "a number up to 2", "1 to 2"),
    ],
)
def test_what_is_expected_of_a_column_stands_beside_what_came(
    feature: dict[str, Any], cells: tuple[str, ...], expected: str, observed: str
) -> None:
    told = expectations(use_case(feature), validated(feature, *cells).result)[2]
    assert (told.expected, told.observed, told.holds) == (expected, observed, True)
