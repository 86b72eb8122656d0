"""Values of every type: read from files, judged, written for people, asked for by the form."""

import io
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from tabserve.core.validation import validate
from tests.definitions import RENTS, TRIP, TRIPS
from ui import features, numbers, outcomes, records
from ui.cell_checks import CellChecks

GERMAN = {"delimiter": ";", "decimal": ",", "encoding": "latin-1", "compression": "gzip"}
DIALECT = {"delimiter": ",", "decimal": ".", "encoding": "utf-8", "compression": "none"}


def described(definition: Any, **changes: Any) -> dict[str, Any]:
    """Return a definition as the API tells it."""
    return {**definition.model_dump(mode="json"), "rules": {}, "has_ids": True} | changes


TRIPS_TOLD = described(TRIPS, format=DIALECT)


def test_a_file_in_the_dialect_of_the_use_case_becomes_valid_records() -> None:
    day = [each | ({"format": "%d.%m.%Y"} if each["name"] == "booked" else {}) for each in TRIPS_TOLD["features"]]
    definition = described(TRIPS, format=GERMAN, features=day)
    upload = records.read_csv(io.BytesIO(records.example_csv(definition)), definition)
    read = list(records.records(upload, definition))
    validated = validate(TRIPS, read)
    assert list(validated.errors) == [5]
    assert read[0]["booked"] == "2026-01-31"
    assert isinstance(read[0]["price"], float)


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("insured", ["true", "YES", "f", "0"], ["ja", "2", ""]),
        ("booked", ["2026-01-31"], ["31.01.2026", "2026-02-30"]),
        ("leaves", ["2026-01-31T12:00:00", "2026-01-31 12:00+01:00"], ["noon"]),
        ("town", ["anything", "12"], ["x" * 201]),
        ("price", ["1e300", "-5"], ["1e999", "1,5", "many"]),
        ("nights", ["1"], ["0", "1.5"]),
        ("remark", ["x" * 40], ["x" * 41]),
    ],
)
def test_cells_are_judged_as_they_are_typed(name: str, good: list[str], bad: list[str]) -> None:
    checks = CellChecks(TRIPS_TOLD)
    assert [checks.problem(name, cell) for cell in good] == [""] * len(good)
    assert all(checks.problem(name, cell) for cell in bad)


def test_a_decimal_comma_is_asked_for_where_files_have_it() -> None:
    checks = CellChecks(described(TRIPS, format=GERMAN))
    assert checks.problem("price", "1,5") == ""
    assert checks.problem("price", "1.5") != ""
    assert checks.suggestion("price", "decimal_point", "1.5") == "1,5"


def test_what_a_column_may_hold_is_said_in_words() -> None:
    said = {each["name"]: features.expected(each) for each in TRIPS_TOLD["features"]}
    assert said["nights"] == "a whole number from 1 to 365"
    assert said["price"] == "a number"
    assert said["booked"] == "a date written as 2026-01-31"
    assert said["board"] == "one of half, full"
    assert "true/false" in said["insured"]


def draw_form(definition: "dict[str, Any]", model: "dict[str, Any]", record: "dict[str, Any]") -> None:
    """Run as a script of its own."""
    import streamlit

    from ui.components.form import Form

    streamlit.session_state["record"] = Form(definition, model).ask(record)


def test_a_form_of_every_type_gives_back_the_record_it_was_filled_with() -> None:
    arguments = (TRIPS_TOLD, {"vocabulary": {"town": ["Köln", "Bonn"]}}, TRIP)
    page = AppTest.from_function(draw_form, args=arguments, default_timeout=30).run()
    page.button[0].click().run()
    assert not page.exception
    assert page.session_state["record"] == TRIP
    assert page.selectbox[0].options == ["Köln", "Bonn"]
    asked = {each.label for each in (*page.radio, *page.number_input, *page.date_input, *page.text_input)}
    assert {"insured", "guide", "nights (1 – 365)", "price (€)", "booked", "remark"} <= asked


def test_a_number_is_written_with_its_unit_and_interval() -> None:
    definition = described(RENTS)
    assert numbers.with_unit(definition, 12_345.678) == "12,346 €"
    assert numbers.with_unit(definition, 0.123456) == "0.1235 €"
    assert numbers.interval(definition, {"interval": [9_100.4, 15_400.2]}) == "9,100 to 15,400 €"
    assert numbers.interval(definition, {"interval": None}) == ""


@pytest.mark.parametrize(
    ("cell", "actual", "wrong"),
    [
        ("812,5", 812.5, ""),
        ("812", 812.0, ""),
        ("high", None, "“high” is no number"),
        ("-1", None, "-1 is less than 0"),
        ("20000", None, "20000 is more than 10000"),
    ],
)
def test_outcomes_of_a_regression_are_numbers_within_the_limits(cell: str, actual: float | None, wrong: str) -> None:
    body = f"flat;what happened\n17;{cell}\n".encode("latin-1")
    file = outcomes.read(io.BytesIO(body), described(RENTS, format=GERMAN), 10)
    assert [(each.actual, each.wrong) for each in file.outcomes] == [(actual, wrong)]


def test_an_outcome_that_is_stored_already_is_not_saved_again() -> None:
    outcome = outcomes.Outcome(1, outcomes.ENTITY, "17", "812,50", 812.5, stored="812.5")
    assert not outcome.is_new
