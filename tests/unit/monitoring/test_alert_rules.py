from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tabserve.monitoring.alert_rules import (
    DriftRule,
    Finding,
    MeasuredWindow,
    PerformanceRule,
    Streak,
    drift_state,
    load_alert_rules,
    performance_verdict,
    transitions,
)
from tabserve.monitoring.windows import Span
from tabserve.reference.performance import Measure

NOW = datetime(2026, 1, 2, tzinfo=UTC)
FIGURES = {"accuracy": 0.7, "brier": 0.2}
RULE = DriftRule(severity="critical", alarms_in_a_row=2, calm_in_a_row=3)


def finding(state: Any, cause: str = "w1") -> Finding:
    return Finding("drift", "fruit", state, "critical", cause, "title", "because")


def test_an_alert_is_told_once_when_it_begins_and_once_when_it_is_over() -> None:
    found = [finding(state, f"w{n}") for n, state in enumerate(["firing", "firing", None, "resolved", "resolved"])]
    assert [alert.state for alert in transitions(found, [], NOW)] == ["firing", "resolved"]


def test_what_fires_already_is_not_told_again_and_what_does_not_is_not_resolved() -> None:
    assert transitions([finding("firing")], [("drift", "fruit")], NOW) == []
    assert transitions([finding("resolved")], [], NOW) == []


def test_alerts_of_one_run_have_times_in_their_order_and_the_same_finding_has_the_same_id() -> None:
    first = transitions([finding("firing"), finding("resolved", "w2")], [], NOW)
    again = transitions([finding("firing"), finding("resolved", "w2")], [], NOW)
    assert first[0].created_at < first[1].created_at
    assert [alert.id for alert in first] == [alert.id for alert in again]


@pytest.mark.parametrize(
    ("states", "to_send"),
    [
        (["firing"], ["firing"]),
        (["firing", "resolved"], []),
        (["firing", "resolved", "firing"], ["firing"]),
    ],
)
def test_only_the_net_change_is_left_to_be_sent(states: list[Any], to_send: list[Any]) -> None:
    found = [finding(state, f"w{n}") for n, state in enumerate(states)]
    moved = transitions(found, [], NOW)
    assert [alert.state for alert in moved] == states
    assert [alert.state for alert in moved if alert.sent_at is None] == to_send
    assert [alert for alert in moved if alert.sent_at is None] == moved[len(moved) - len(to_send) :]


def test_an_alert_that_fires_already_is_told_only_when_it_is_over_in_the_end() -> None:
    def sent(*states: Any) -> list[Any]:
        found = [finding(state, f"w{n}") for n, state in enumerate(states)]
        moved = transitions(found, [("drift", "fruit"), ("drift", "other")], NOW)
        return [alert.state for alert in moved if alert.sent_at is None]

    assert sent("resolved", "firing") == []
    assert sent("resolved", "firing", "resolved") == ["resolved"]


@pytest.mark.parametrize(
    ("states", "before", "after"),
    [
        (["ok", "severe"], Streak(), ("firing", Streak(alarms=1))),
        (["ok", "alarm"], Streak(), (None, Streak(alarms=1))),
        (["ok", "alarm"], Streak(alarms=1), ("firing", Streak(alarms=2))),
        (["alarm", "warning"], Streak(calm=2), (None, Streak(alarms=1))),
        (["warning", "ok"], Streak(alarms=1), (None, Streak())),
        (["warning", "ok"], Streak(calm=2), (None, Streak())),
        (["ok", "ok"], Streak(alarms=2), (None, Streak(calm=1))),
        (["ok", "ok"], Streak(calm=2), ("resolved", Streak(calm=3))),
        (["insufficient", "insufficient"], Streak(alarms=1), (None, Streak(alarms=1))),
    ],
)
def test_drift_fires_after_two_alarms_or_one_severe_window_and_ends_after_three_calm_ones(
    states: Any, before: Streak, after: Any
) -> None:
    assert drift_state(RULE, states, before) == after


def measured(number: int, *beyond: str) -> MeasuredWindow:
    start = NOW + timedelta(hours=number)
    limits = {"accuracy": 0.8 if "accuracy" in beyond else 0.6, "brier": 0.1 if "brier" in beyond else 0.3}
    measures = [Measure(name, v, v - 0.05, v + 0.05, 500, "measured", limits[name]) for name, v in FIGURES.items()]
    span = Span("v1", start, start + timedelta(hours=1))
    return MeasuredWindow(span, [*measures, Measure("f1", 0.1, 0.0, 0.2, 500, "measured")], start)


@pytest.mark.parametrize(
    ("windows", "state", "names"),
    [
        ([], None, []),
        ([["accuracy"]], None, []),
        ([["accuracy"], ["accuracy"]], "firing", ["accuracy"]),
        ([["accuracy"], ["brier"]], None, []),
        ([["accuracy", "brier"], ["brier"]], "firing", ["brier"]),
        ([["accuracy"], ["accuracy"], [], []], "firing", ["accuracy"]),
        ([["accuracy"], ["accuracy"], [], [], []], "resolved", []),
        ([["accuracy"], ["accuracy"], [], [], ["accuracy"], []], "firing", ["accuracy"]),
        ([[], [], [], ["accuracy"]], "resolved", []),
    ],
)
def test_performance_fires_after_two_windows_of_the_same_metric_and_ends_after_three_calm_ones(
    windows: list[list[str]], state: str | None, names: list[str]
) -> None:
    rule = PerformanceRule(severity="critical", beyond_in_a_row=2, calm_in_a_row=3)
    found = performance_verdict(rule, [measured(number, *beyond) for number, beyond in enumerate(windows)])
    assert (found and found.state) == state
    assert [each.metric for each in found.beyond] == names if found else not names
    assert found is None or found.known_at == NOW + timedelta(hours=len(windows) - 1)


def test_the_rules_that_come_with_tabserve_are_well_formed() -> None:
    rules = load_alert_rules()
    assert 0 < rules.invalid_rows.warning < rules.invalid_rows.alarm <= 1
