"""Definitions that would mean two things, or nothing, are refused in a sentence."""

from typing import Any

import pytest
from pydantic import ValidationError

from tabserve.core.use_case import UseCase
from tabserve.training.version_files import definition
from tests.definitions import CATALOG

OPTIONAL = {"name": "x", "type": "number", "required": False}
PENGUINS = CATALOG.get("penguins").model_dump(mode="json")


def target(classes: list[str]) -> dict[str, Any]:
    return {"target": {"name": PENGUINS["target"]["name"], "classes": classes}}


def derived(**how: object) -> dict[str, Any]:
    return {"derived": [{"name": "d", **how}]}


def features(*them: dict[str, Any]) -> dict[str, Any]:
    return {"features": them}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"training": {"primary_metric": "accuracy"}}, "training.primary_metric\n *Extra inputs are not permitted"),
        ({"ignore": ["ISLAND"]}, "columns repeats 'island'"),
        ({"ignore": ["Region", "Island "]}, "columns repeats 'island'"),
        ({"event_time_column": "sample  number"}, "'sample  number' must not be one of the other columns"),
        ({"event_time_column": "Island"}, "must not be one of the other columns"),
        ({"event_time_column": "Species"}, "must not be one of the other columns"),
        ({"event_time_column": "Region"}, "must not be one of the other columns"),
        ({"event_time_column": "entity_id"}, "reserved"),
        ({"event_time_column": "=now()"}, "pattern"),
        ({"event_time_column": 7}, "string"),
        ({"feature_store": "no"}, "boolean"),
        ({"missing_values": ["", "Dream"]}, "category 'Dream' of 'Island' is also one of missing_values"),
        ({"missing_values": ["1"]}, "category '1' of 'Stage' is also one of missing_values"),
        (target(["a\x1fb", "c"]), "a target class is empty or has control characters"),
        (target(["a", ""]), "a target class is empty or has control characters"),
        ({"schema_version": 9}, "schema_version is 9, this tabserve knows definitions up to 1; update tabserve"),
        ({"format": {"encoding": "hex"}}, "encoding 'hex' is none that Python knows"),
        ({"task": "regression"}, "regression takes no target classes"),
        ({"decision": "max_f1"}, "multiclass_classification takes no decision"),
        (derived(sum=["Island"]), "derived feature 'd' needs a number; 'Island' is category"),
        (derived(sum=["Weight"]), "derived feature 'd' needs 'Weight', which is no feature"),
        (derived(part={"of": "Sex", "unit": "hour"}), "needs a date or a time"),
        (derived(extract={"from": "Sex", "pattern": "(a"}), r"pattern '\(a' is no regular expression .*missing \)"),
        (derived(bins={"of": "Flipper Length", "edges": [2, 1]}), "edges must rise"),
        (derived(wrong=1), "a derived feature has a name and one of sum, product"),
        ({"derived": [{"name": "d", "sum": ["e"]}, {"name": "e", "sum": ["d"]}]}, "computed in a circle: 'd' from 'e'"),
        ({"derived": [{"name": "Sex", "present": "Island"}]}, "columns repeats 'sex'"),
        (features({"name": "x", "type": "date", "timezone": "Europe/Bonn"}), "unknown timezone 'Europe/Bonn'"),
        (features({"name": "x", "type": "date", "format": "%d.%d.%Y"}), "'%d.%d.%Y' is none that strptime takes"),
        (features({"name": "x", "type": "date", "format": "%Q"}), "format '%Q' is none that strptime takes"),
        (features({"name": "x", "type": "date", "format": "DD.MM.YYYY"}), "names no part of a date"),
        (features({"name": "x", "type": "text"}), "a model needs a feature that is no date or text"),
        (
            features(OPTIONAL),
            "feature 'x' is not required and so needs `impute`: random_forest takes no missing values",
        ),
        (
            {**features(OPTIONAL), "training": {"estimator": ["lightgbm", "random_forest"]}},
            "needs `impute`: random_forest takes no missing values, only hist_gradient_boosting, lightgbm, xgboost do",
        ),
        (features({"name": "x", "type": "number", "usual": [3, 2]}), "two numbers as its usual range"),
        (features({"name": "x", "type": "category", "categories": []}), "must name at least one value, or be open"),
    ],
)
def test_a_definition_that_makes_no_sense_is_refused(change: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        UseCase.model_validate(PENGUINS | change)


def test_a_definition_is_the_same_after_its_journey_with_a_version() -> None:
    use_case = UseCase.model_validate(
        PENGUINS
        | features({"name": "x", "type": "category", "categories": "open", "keep": 5}, {"name": "t", "type": "text"})
        | derived(extract={"from": "t", "pattern": "a"})
        | {"example": {}}
    )

    assert UseCase.model_validate_json(definition(use_case)) == use_case


@pytest.mark.parametrize("estimator", ["hist_gradient_boosting", "lightgbm", ["xgboost", "lightgbm"]])
def test_what_boosting_alone_learns_from_needs_no_filling(estimator: str | list[str]) -> None:
    changed = {**features(OPTIONAL, PENGUINS["features"][0]), "training": {"estimator": estimator}}
    assert UseCase.model_validate(PENGUINS | changed).features[0].name == "x"
