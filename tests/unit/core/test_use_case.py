"""Definitions that would mean two things are refused in a sentence."""

from typing import Any

import pytest
from pydantic import ValidationError

from tabserve.core.use_case import UseCase
from tests.definitions import CATALOG

PENGUINS = CATALOG.get("penguins").model_dump(mode="json")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"training": {"primary_metric": "accuracy"}}, "training.primary_metric\n *Extra inputs are not permitted"),
        ({"ignore": ["ISLAND"]}, "columns repeats 'island'"),
        ({"event_time_column": "sample  number"}, "'sample  number' must not be one of the other columns"),
        ({"missing_values": ["", "Dream"]}, "category 'Dream' of 'Island' is also one of missing_values"),
        ({"missing_values": ["1"]}, "category '1' of 'Stage' is also one of missing_values"),
    ],
)
def test_an_ambiguous_definition_is_refused(change: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        UseCase.model_validate(PENGUINS | change)
