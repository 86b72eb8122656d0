"""Mistakes planted in a dashboard are found."""

import copy
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from grafana import lint, write
from grafana.macros import expand
from grafana.shape import alert_problems
from grafana.shape import problems as shape_problems

BOARDS = write.documents()
START, END = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, 6, tzinfo=UTC)


@pytest.fixture
def board() -> dict[str, Any]:
    return copy.deepcopy(BOARDS["tabserve-data"])


@pytest.mark.parametrize("uid", BOARDS)
def test_the_dashboards_obey_every_rule_and_have_enough_panels(uid: str) -> None:
    assert list(lint.problems(BOARDS[uid])) == []
    assert len(BOARDS[uid]["panels"]) >= 8


def test_the_files_are_what_the_code_writes() -> None:
    assert [path.name for path in write.stale()] == []


Plant = Callable[[dict[str, Any]], object]


def target(board: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = board["panels"][0]["targets"][0]
    return found


def defaults(board: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = board["panels"][0]["fieldConfig"]["defaults"]
    return found


@pytest.mark.parametrize(
    ("plant", "message"),
    [
        (
            lambda b: target(b).update(rawSql=target(b)["rawSql"].replace("$__timeFilter(", "(")),
            "without $__timeFilter",
        ),
        (lambda b: b["panels"][0].update(description=""), "no title or no description"),
        (lambda b: defaults(b).pop("unit"), "has no unit"),
        (lambda b: defaults(b)["thresholds"]["steps"][1].update(value=1_000), "out of order"),
        (lambda b: b["panels"][0]["gridPos"].update(x=6), "overlap"),
    ],
)
def test_a_planted_mistake_is_found(board: dict[str, Any], plant: Plant, message: str) -> None:
    plant(board)
    assert message in "\n".join(lint.problems(board))


def test_macros_are_expanded_as_grafana_does() -> None:
    sql = (
        "SELECT $__timeGroup(at, $__interval), $__timeTo() FROM t WHERE $__timeFilter(at) AND u = ${use_case:sqlstring}"
    )
    assert expand(sql, START, END, {"use_case": "it's"}) == (
        "SELECT floor(extract(epoch from at)/60)*60, '2026-01-01T06:00:00.000Z' FROM t WHERE at BETWEEN "
        "'2026-01-01T00:00:00.000Z' AND '2026-01-01T06:00:00.000Z' AND u = 'it''s'"
    )


@pytest.mark.parametrize("sql", ["$__timeFiltre(at)", "SELECT $feature", "SELECT 1 WHERE $__timeFilter(now())"])
def test_unknown_macros_and_variables_are_named(sql: str) -> None:
    with pytest.raises(ValueError, match="unknown macro or variable"):
        expand(sql, START, END, {})


@pytest.mark.parametrize(
    ("names", "rows", "message"),
    [
        (["at", "value"], [], "first column"),
        (["time"], [], "no value"),
        (["time", "value"], [(END, 1), (START, 2)], "not sorted"),
        (["time", "value"], [(START, "a")], "not a number"),
        (["time", "value"], [("noon", 1)], "a time that is none"),
        (["time", "value"], [(START, 1)] * 11_001, "more than"),
    ],
)
def test_results_that_cannot_be_drawn_are_found(names: list[str], rows: list[Any], message: str) -> None:
    assert message in " ".join(shape_problems("time_series", names, rows))


@pytest.mark.parametrize(
    ("rows", "message"), [([("a", 1), ("a", 2)], "same label"), ([(1, 1)], "not text"), ([("a", "b")], "not a number")]
)
def test_alert_results_need_unique_labels_and_one_number(rows: list[Any], message: str) -> None:
    assert message in " ".join(alert_problems(["use_case", "value"], rows))
