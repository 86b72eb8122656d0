"""What pages show of a use case of many features."""

from typing import Any

import pytest

from tests.wide import definition
from ui import wide

WIDE: dict[str, Any] = {"example": {}, **definition(1_000)}
for each in WIDE["features"]:
    each.setdefault("description", "")
MODEL = {
    "champion": {"diagnostics": {"importance": {"device_0041": {"value": 0.2}, "account_0007": {"value": 0.3}}}},
    "typical": {"account_0000": 480.5, "device_0001": 3},
}


@pytest.mark.parametrize(("columns", "is_wide"), [(20, False), (21, True)])
def test_pages_show_up_to_twenty_features_at_once(columns: int, is_wide: bool) -> None:
    assert wide.is_wide(definition(columns)) is is_wide


def test_the_most_important_features_come_first_then_those_of_the_definition() -> None:
    assert wide.most_important(WIDE, MODEL, 4) == ["account_0007", "device_0041", "account_0000", "device_0001"]
    assert wide.most_important(WIDE, {"champion": None}, 2) == ["account_0000", "device_0001"]
    assert wide.most_important(WIDE, {}, 2) == ["account_0000", "device_0001"]


def test_a_form_begins_with_the_example_or_with_what_is_typical() -> None:
    begin = wide.typical({**WIDE, "example": {"device_0001": 9}}, MODEL)
    assert (begin["account_0000"], begin["device_0001"], begin["order_0004"]) == (480.5, 9, None)
    assert len(begin) == 1_000


def test_groups_hold_every_feature_once_and_never_more_than_fifty() -> None:
    found = wide.groups(WIDE["features"])
    assert sorted(each["name"] for group in found.values() for each in group) == sorted(
        each["name"] for each in WIDE["features"]
    )
    assert max(map(len, found.values())) <= wide.GROUP
    assert all(len({each["name"].split("_")[0] for each in group}) == 1 for group in found.values())


def test_a_small_group_is_named_by_how_its_names_begin() -> None:
    found = wide.groups(definition(40)["features"])
    assert set(found) == {"account", "device", "history", "market", "order"}


def test_names_that_begin_in_many_ways_stand_in_the_order_of_the_definition() -> None:
    features = [{"name": f"c{place}"} for place in range(120)]
    assert {title: len(group) for title, group in wide.groups(features).items()} == {
        "c0 to c49": 50,
        "c50 to c99": 50,
        "c100 to c119": 20,
    }


def test_features_are_found_by_a_part_of_their_name_or_description() -> None:
    features = [
        {"name": "late_payment", "description": ""},
        {"name": "b", "description": "Payment: by card"},
        {"name": "Payment_day", "description": ""},
        {"name": "d", "description": ""},
    ]
    assert [each["name"] for each in wide.matching(features, "payment")] == ["Payment_day", "late_payment", "b"]
