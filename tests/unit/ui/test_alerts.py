"""How open alerts become problems: all of them, the worst first, files together, in words."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd
import pytest

from ui import alerts

NOW = datetime(2026, 1, 2, 12, tzinfo=UTC)


def found(*rows: dict[str, Any]) -> pd.DataFrame:
    """Return what the query of open alerts finds."""
    usual: dict[str, Any] = {"use_case": "titanic", "severity": "high", "status": "open", "payload": {}}
    usual |= {"verdict": None, "rows_total": float("nan"), "rows_bad": float("nan")}
    times = [{"created_at": pd.Timestamp(NOW + timedelta(minutes=number))} for number in range(len(rows))]
    return pd.DataFrame([{**usual, **time, **row} for time, row in zip(times, rows, strict=True)])


def file(number: int, bad: int = 1, **changes: Any) -> dict[str, Any]:
    payload = {"file_id": f"f{number}", "title": f"{number}.csv: {bad} of 10 rows are bad"}
    about = {"rule": "data_quality", "subject": f"titanic/{number}.csv", "payload": payload, "verdict": "done"}
    return {**about, "rows_total": 10, "rows_bad": bad} | changes


def test_files_of_a_kind_are_one_problem_that_leads_to_the_worst() -> None:
    rejected = file(4, verdict="rejected", rows_total=0, rows_bad=0)
    problems = alerts.problems(found(file(1), file(2, bad=9), file(3, severity="medium", bad=10), rejected))
    assert [(each.title, each.count) for each in problems] == [
        ("4.csv: 1 of 10 rows are bad", 1),
        ("3 files have bad rows", 3),
    ]
    assert problems[1].details == "20 of 30 rows are bad."
    assert problems[1].link.state == {"file": "f2"}
    assert (problems[1].since, problems[1].until) == (NOW, NOW + timedelta(minutes=2))


def test_open_comes_before_seen_and_the_worst_first() -> None:
    drift = {"rule": "drift", "subject": "titanic", "severity": "critical"}
    seen = {"rule": "one_class", "subject": "titanic", "severity": "critical", "status": "seen"}
    quiet = {"rule": "no_predictions", "subject": "titanic", "severity": "warning"}
    order = [each.rule for each in alerts.problems(found(seen, quiet, file(1), drift))]
    assert order == ["drift", "data_quality", "no_predictions", "one_class"]


def test_what_is_counted_is_open_and_ordered_by_severity() -> None:
    rows = [file(number) for number in range(31)] + [file(99, status="seen"), file(40, severity="medium")]
    drift = {"rule": "drift", "subject": "titanic", "severity": "critical"}
    assert list(alerts.counts(found(*rows, drift)).items()) == [("critical", 1), ("high", 31), ("medium", 1)]


def test_each_subject_of_a_rule_that_is_about_no_file_stands_alone() -> None:
    rows = [{"rule": "performance", "subject": f"titanic:{metric}"} for metric in ("accuracy", "precision")]
    assert [each.subjects for each in alerts.problems(found(*rows))] == [("titanic:precision",), ("titanic:accuracy",)]


@pytest.mark.parametrize(
    ("rule", "payload", "said"),
    [
        ("drift", {"title": "titanic: Age drifted"}, "titanic: Age drifted"),
        ("data_quality", {"rows": "9 good and 1 bad of 10", "verdict": "done"}, "a.csv: 9 good and 1 bad of 10"),
        ("no_model", {"error": "x"}, "No model can predict the files that wait"),
        ("new_rule", {}, "New rule: titanic/a.csv"),
    ],
)
def test_an_alert_is_told_in_words(rule: str, payload: dict[str, Any], said: str) -> None:
    assert alerts.title(rule, "titanic/a.csv", payload) == said


def test_the_worst_column_stands_in_the_link() -> None:
    facts = {"facts": {"columns": {"Age": {"effect": 0.6}, "Sex": {"effect": 0.1}}}}
    [problem] = alerts.problems(found({"rule": "drift", "subject": "titanic", "payload": facts}))
    assert problem.link.state["column"] == "Age"
    assert problem.link.page == "monitoring"


def test_no_alert_is_no_problem() -> None:
    assert alerts.problems(found()) == []
