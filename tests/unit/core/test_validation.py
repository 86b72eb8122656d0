"""Records judged by column get the verdicts they would get one by one."""

import math
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tabserve.core.records import FailureCase
from tabserve.core.use_case import UseCase
from tabserve.core.validation import Record, failure_cases, validate
from tests.definitions import CATALOG

TITANIC = CATALOG.get("titanic")
GOOD = {"Pclass": 1, "Sex": "female", "Age": 38, "Fare": 71.28, "Embarked": "C"}

doubtful = st.one_of(
    st.none(),
    st.booleans(),
    st.sampled_from([1, 2, 3, 4, "1", 1.0, "male", "female", "Male", " male", "C", "Q", "", 120, 121, -1, 0]),
    st.floats(allow_nan=False, allow_infinity=False),
    st.integers(),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.text(max_size=2), st.integers(), max_size=1),
)
records = st.lists(
    st.fixed_dictionaries({}, optional=dict.fromkeys((*TITANIC.feature_names, "Nonsense", "entity_id"), doubtful)),
    max_size=20,
)


def one_by_one(use_case: UseCase, sent: Sequence[Record]) -> dict[int, set[FailureCase]]:
    """The plain oracle: every record, every feature, one value at a time."""
    found: dict[int, set[FailureCase]] = {}
    for index, record in enumerate(sent):
        cases = {case for feature in use_case.features for case in failure_cases(feature, record.get(feature.name))}
        cases |= {
            FailureCase(name, "unknown_field", f"{name} is not a feature of {use_case.name}")
            for name in record.keys() - {*use_case.feature_names, "entity_id"}
        }
        entity = record.get("entity_id")
        if entity is not None and not (isinstance(entity, str) and 0 < len(entity) <= 200):
            cases.add(
                FailureCase(
                    "entity_id",
                    "not_an_id",
                    "entity_id must be a text of 1 to 200 characters, none of them a control character",
                )
            )
        if cases:
            found[index] = cases
    return found


@given(records)
def test_columns_are_judged_like_records_one_by_one(sent: list[dict[str, object]]) -> None:
    validated = validate(TITANIC, sent)
    expected = one_by_one(TITANIC, sent)
    assert {index: set(cases) for index, cases in validated.errors.items()} == expected
    assert list(validated.indices) == [index for index in range(len(sent)) if index not in expected]
    for name in TITANIC.feature_names:
        assert validated.columns[name] == [sent[index].get(name) for index in validated.indices]


@pytest.mark.parametrize(
    ("change", "rule", "message"),
    [
        ({"Pclass": "1"}, "unknown_category", "Pclass must be one of 1, 2, 3"),
        ({"Pclass": True}, "unknown_category", "Pclass must be one of 1, 2, 3"),
        ({"Pclass": 1.0}, "unknown_category", "Pclass must be one of 1, 2, 3"),
        ({"Sex": "Female"}, "unknown_category", 'Sex must be one of "male", "female"'),
        ({"Sex": None}, "missing_value", "Sex is required"),
        ({"Age": "38"}, "not_a_number", "Age must be a number from 0 to 120, written as a JSON number"),
        ({"Age": False}, "not_a_number", "Age must be a number from 0 to 120, written as a JSON number"),
        ({"Age": -1}, "below_minimum", "Age must be a number from 0 to 120"),
        ({"Fare": 1000.01}, "above_maximum", "Fare must be a number from 0 to 1000"),
        ({"Cabin": "C85"}, "unknown_field", "Cabin is not a feature of titanic"),
        (
            {"entity_id": 17},
            "not_an_id",
            "entity_id must be a text of 1 to 200 characters, none of them a control character",
        ),
    ],
)
def test_a_refusal_names_field_rule_and_what_would_be_right(change: dict[str, object], rule: str, message: str) -> None:
    validated = validate(TITANIC, [GOOD, GOOD | change])
    assert validated.errors == {1: (FailureCase(next(iter(change)), rule, message),)}
    assert list(validated.indices) == [0]


def test_every_reason_of_a_record_is_told() -> None:
    validated = validate(TITANIC, [{"Pclass": 9, "Age": "old"}])
    assert [case.column for case in validated.errors[0]] == ["Pclass", "Sex", "Age"]


def test_optional_features_may_be_missing_or_null() -> None:
    validated = validate(TITANIC, [{"Pclass": 1, "Sex": "male"}, GOOD | {"Age": None}])
    assert validated.errors == {}
    assert validated.columns["Age"] == [None, None]


def test_numbers_beyond_any_range_are_refused_not_crashed_on() -> None:
    validated = validate(TITANIC, [GOOD | {"Age": 10**400}, GOOD | {"Age": math.inf}])
    assert set(validated.errors) == {0, 1}
