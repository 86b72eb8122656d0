"""Definitions that would mean two things, or nothing, are refused in a sentence."""

from typing import Any

import pytest
from pydantic import ValidationError

from tabserve.core.use_case import UseCase
from tests.definitions import CATALOG

PENGUINS = CATALOG.get("penguins").model_dump(mode="json")


def target(classes: list[str]) -> dict[str, Any]:
    return {"target": {"name": PENGUINS["target"]["name"], "classes": classes}}


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
    ],
)
def test_a_definition_that_makes_no_sense_is_refused(change: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        UseCase.model_validate(PENGUINS | change)
