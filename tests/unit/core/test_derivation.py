"""Derived features: each kind, missing values, and what cannot be computed."""

from typing import Any

import pytest

from tabserve.core.derivation import with_derived
from tabserve.core.records import Value
from tabserve.core.use_case import UseCase

DEFINITION: dict[str, Any] = {
    "name": "people",
    "version": 1,
    "task": "binary_classification",
    "id_column": "id",
    "features": [
        {"name": "a", "type": "number", "required": False, "impute": "median"},
        {"name": "b", "type": "integer", "required": False, "impute": "median"},
        {"name": "yes", "type": "boolean", "required": False, "impute": "most_frequent"},
        {"name": "text", "type": "text", "required": False},
        {"name": "day", "type": "date", "required": False},
        {"name": "at", "type": "datetime", "required": False, "timezone": "Europe/Berlin"},
    ],
    "target": {"name": "y", "classes": ["no", "yes"], "positive_class": "yes"},
}


def derived(how: dict[str, Any], **columns: Value) -> Value:
    """Return what is derived from one row."""
    use_case = UseCase.model_validate({**DEFINITION, "derived": [{"name": "d", **how}]})
    row = {name: [columns.get(name)] for name in use_case.feature_names}
    return with_derived(use_case, row)["d"][0]


@pytest.mark.parametrize(
    ("how", "columns", "expected"),
    [
        ({"sum": ["a", "b"], "plus": 1}, {"a": 0.5, "b": 2}, 3.5),
        ({"sum": ["b", "yes"]}, {"b": 2, "yes": True}, 3.0),
        ({"sum": ["a", "b"]}, {"a": 0.5}, None),
        ({"sum": ["a", "b"]}, {"a": 1.7e308, "b": int(1.7e308)}, None),
        ({"product": ["a", "b"]}, {"a": 0.5, "b": 3}, 1.5),
        ({"product": ["a", "b"]}, {"a": 1e300, "b": int(1e300)}, None),
        ({"ratio": ["a", "b"]}, {"a": 1.0, "b": 4}, 0.25),
        ({"ratio": ["a", "b"]}, {"a": 1.0, "b": 0}, None),
        ({"present": "text"}, {"text": "C85"}, True),
        ({"present": "text"}, {}, False),
        ({"bins": {"of": "a", "edges": [12, 18.5]}}, {"a": 11.9}, "under 12"),
        ({"bins": {"of": "a", "edges": [12, 18.5]}}, {"a": 12.0}, "12 to 18.5"),
        ({"bins": {"of": "a", "edges": [12, 18.5]}}, {"a": 18.5}, "18.5 or more"),
        ({"bins": {"of": "a", "edges": [12, 18.5]}}, {}, None),
        ({"extract": {"from": "text", "pattern": r", ([A-Za-z]+)\."}}, {"text": "Braund, Mr. Owen"}, "Mr"),
        ({"extract": {"from": "text", "pattern": "[0-9]+"}}, {"text": "C85"}, "85"),
        ({"extract": {"from": "text", "pattern": "[0-9]+"}}, {"text": "C"}, None),
        ({"extract": {"from": "text", "pattern": "(a+)+$"}}, {"text": "a" * 199 + "b"}, None),
        ({"part": {"of": "day", "unit": "weekday"}}, {"day": "2026-11-22"}, "Sunday"),
        ({"part": {"of": "day", "unit": "quarter"}}, {"day": "2026-11-22"}, 4),
        ({"part": {"of": "day", "unit": "epoch_days"}}, {"day": "1970-01-02"}, 1),
        ({"part": {"of": "at", "unit": "hour"}}, {"at": "2026-07-01T23:30:00"}, 23),
        ({"part": {"of": "at", "unit": "hour"}}, {"at": "2026-07-01T23:30:00+00:00"}, 1),
        ({"part": {"of": "at", "unit": "day"}}, {"at": "2026-07-01T23:30:00+00:00"}, 2),
        ({"part": {"of": "at", "unit": "month"}}, {}, None),
        ({"part": {"of": "at", "unit": "hour"}}, {"at": "0001-01-01T00:00:00+14:00"}, None),
        ({"days_between": ["at", "at"]}, {"at": "9999-12-31T23:00:00-14:00"}, None),
        ({"days_between": ["day", "at"]}, {"day": "2026-01-01", "at": "2026-01-02T12:00:00+01:00"}, 1 + 11 / 24),
        ({"days_between": ["at", "at"]}, {"at": "2026-01-01T00:00:00"}, 0.0),
    ],
)
def test_a_derived_feature_is_computed(how: dict[str, Any], columns: dict[str, Value], expected: Value) -> None:
    found = derived(how, **columns)

    assert found == (pytest.approx(expected) if isinstance(expected, float) else expected)
    assert type(found) is type(expected)


def test_days_count_hours_that_a_clock_was_put_back_by() -> None:
    """On 25 October 2026 the clocks of Berlin are put back by an hour."""
    use_case = UseCase.model_validate(
        {
            **DEFINITION,
            "features": [{"name": name, "type": "datetime", "timezone": "Europe/Berlin"} for name in ("m", "n")],
            "derived": [{"name": "d", "days_between": ["m", "n"]}],
        }
    )

    assert with_derived(use_case, {"m": ["2026-10-25T00:00:00"], "n": ["2026-10-26T00:00:00"]})["d"] == [25 / 24]


def test_derived_features_are_computed_from_derived_ones_in_any_order() -> None:
    use_case = UseCase.model_validate(
        {
            **DEFINITION,
            "derived": [
                {"name": "band", "bins": {"of": "family", "edges": [2]}},
                {"name": "family", "sum": ["a", "b"], "plus": 1},
            ],
        }
    )
    columns: dict[str, list[Value]] = {name: [None, None] for name in use_case.feature_names}

    found = with_derived(use_case, {**columns, "a": [0.0, 2.0], "b": [0, 1]})

    assert found["band"] == ["under 2", "2 or more"]
    assert use_case.input_names == ("a", "b", "yes", "band", "family")
