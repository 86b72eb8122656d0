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
    assert [path.name for path, text in write.files().items() if path.read_text(encoding="utf-8") != text] == []


Plant = Callable[[dict[str, Any]], object]
FIRST_QUERY = "panels", 0, "targets", 0


def target(board: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = board["panels"][0]["targets"][0]
    return found


def defaults(board: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = board["panels"][0]["fieldConfig"]["defaults"]
    return found


@pytest.mark.parametrize(
    ("plant", "message"),
    [
        (lambda b: b["panels"][0].update(tilte="x"), "knows no panels[0].tilte"),
        (lambda b: b["panels"][4]["fieldConfig"]["defaults"]["custom"].update(lineWidht=2), "lineWidht"),
        (lambda b: b.update(refersh="30s"), "knows no refersh"),
        (lambda b: target(b).update(rawSlq="SELECT 1"), "rawSlq"),
        (
            lambda b: target(b).update(rawSql=target(b)["rawSql"].replace("$__timeFilter(", "(")),
            "without $__timeFilter",
        ),
        (lambda b: target(b).update(rawSql="DELETE FROM predictions WHERE $__timeFilter(a)"), "more than read"),
        (lambda b: target(b).update(rawSql="SELECT 1; SELECT $__timeFilter(a)"), "more than read"),
        (lambda b: target(b).update(rawSql="SELECT 1 WHERE $__timeFilter(now())"), "brackets inside a macro"),
        (lambda b: target(b).update(datasource={"uid": "tabserve-postgres"}), "instead of a variable"),
        (lambda b: b["panels"][0].update(description=""), "no title or no description"),
        (lambda b: defaults(b).pop("unit"), "has no unit"),
        (lambda b: defaults(b).pop("thresholds"), "no thresholds of its own"),
        (lambda b: b["panels"][0].update(id=2), "2 panels have the id 2"),
        (lambda b: b["panels"][0]["gridPos"].update(x=6), "overlap"),
        (lambda b: b["panels"][3]["gridPos"].update(w=12), "wider than the dashboard"),
    ],
)
def test_a_planted_mistake_is_found(board: dict[str, Any], plant: Plant, message: str) -> None:
    plant(board)
    assert message in "\n".join(lint.problems(board))


def test_macros_are_expanded_as_grafana_does() -> None:
    sql = (
        "SELECT $__timeGroupAlias(at,'5m'), $__timeFrom() FROM t WHERE $__timeFilter(at) AND u = ${use_case:sqlstring}"
    )
    assert expand(sql, START, END, {"use_case": "it's"}) == (
        "SELECT floor(extract(epoch from at)/300)*300 AS \"time\", '2026-01-01T00:00:00.000Z' FROM t WHERE at BETWEEN "
        "'2026-01-01T00:00:00.000Z' AND '2026-01-01T06:00:00.000Z' AND u = 'it''s'"
    )
    assert expand("$__timeGroup(at, $__interval)", START, END, {}) == "floor(extract(epoch from at)/60)*60"


@pytest.mark.parametrize("sql", ["$__timeFiltre(at)", "SELECT $feature"])
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
