from datetime import UTC, datetime
from typing import Any

import pytest

from tabserve.monitoring.alert_rules import DriftRule, Finding, drift_state, load_alert_rules, transitions

NOW = datetime(2026, 1, 2, tzinfo=UTC)
RULE = DriftRule(severity="critical", alarms_in_a_row=2)


def finding(state: Any, cause: str = "w1") -> Finding:
    return Finding("drift", "fruit", state, "critical", cause, "title", "because")


def test_an_alert_is_told_once_when_it_begins_and_once_when_it_is_over() -> None:
    found = [finding(state, f"w{n}") for n, state in enumerate(["firing", "firing", None, "resolved", "resolved"])]
    assert [alert.state for alert in transitions(found, [], NOW)] == ["firing", "resolved"]


def test_what_fires_already_is_not_told_again_and_what_does_not_is_not_resolved() -> None:
    assert list(transitions([finding("firing")], [("drift", "fruit")], NOW)) == []
    assert list(transitions([finding("resolved")], [], NOW)) == []


def test_alerts_of_one_run_have_times_in_their_order_and_the_same_finding_has_the_same_id() -> None:
    first = list(transitions([finding("firing"), finding("resolved", "w2")], [], NOW))
    again = list(transitions([finding("firing"), finding("resolved", "w2")], [], NOW))
    assert first[0].created_at < first[1].created_at
    assert [alert.id for alert in first] == [alert.id for alert in again]


@pytest.mark.parametrize(
    ("states", "before", "after"),
    [
        (["ok", "severe"], 0, ("firing", 1)),
        (["ok", "alarm"], 0, (None, 1)),
        (["ok", "alarm"], 1, ("firing", 2)),
        (["warning", "ok"], 1, ("resolved", 0)),
        (["insufficient", "insufficient"], 1, (None, 1)),
    ],
)
def test_drift_fires_after_two_alarms_in_a_row_or_one_severe_window(states: Any, before: int, after: Any) -> None:
    assert drift_state(RULE, states, before) == after


def test_the_rules_that_come_with_tabserve_are_well_formed() -> None:
    rules = load_alert_rules()
    assert 0 < rules.invalid_rows.warning < rules.invalid_rows.alarm <= 1
