"""`POST /alerts/acknowledge` on the real tables: what is seen is open no longer, and a file's alert has ended."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tabserve.alerts.alert import Alert, alert_id
from tabserve.alerts.outbox import Outbox
from tabserve.core.clock import utc_now
from tabserve.core.database import Database
from tests.factories import API_KEY, rows
from tests.fakes.predictions import FakePredictions
from tests.fakes.serving import predict_dependencies

FILES = "data_quality"


@pytest.fixture
def client(database: Database, monkeypatch: pytest.MonkeyPatch) -> TestClient:
    monkeypatch.setenv("DATABASE_URL", "sqlite:////nowhere/unused.db")
    monkeypatch.setenv("API_KEY", API_KEY)
    from functions.predict import app as module

    deps = predict_dependencies(FakePredictions(), alerts=lambda: Outbox(database), clock=utc_now)
    module.app.state.service = replace(module.service, deps=deps)
    return TestClient(module.app, headers={"x-api-key": API_KEY})


@pytest.fixture(autouse=True)
def stored(database: Database) -> None:
    about = [(FILES, "titanic/1.csv"), (FILES, "titanic/2.csv"), (FILES, "iris/1.csv"), ("drift", "titanic")]
    Outbox(database).add([fired(rule, subject, minutes=60 - number) for number, (rule, subject) in enumerate(about)])


def fired(rule: str, subject: str, minutes: int) -> Alert:
    name, at = alert_id(rule, subject, "firing", ""), utc_now() - timedelta(minutes=minutes)
    return Alert(name, rule, subject, subject.partition("/")[0], "firing", "high", {}, at)


def statuses(database: Database) -> dict[str, str]:
    return dict(rows(database, "SELECT subject, status FROM current_alerts"))


def acknowledge(client: TestClient, **body: Any) -> tuple[int, dict[str, Any]]:
    answer = client.post("/alerts/acknowledge", json=body)
    return answer.status_code, answer.json()


def test_a_files_alert_ends_when_it_is_seen_and_doing_it_again_changes_nothing(
    client: TestClient, database: Database
) -> None:
    assert acknowledge(client, rule=FILES, use_case="titanic") == (200, {"acknowledged": 2})
    expected = {"titanic/1.csv": "ended", "titanic/2.csv": "ended", "iris/1.csv": "open", "titanic": "open"}
    assert statuses(database) == expected
    assert acknowledge(client, rule=FILES, use_case="titanic") == (200, {"acknowledged": 0})


def test_what_lasts_stays_and_is_seen(client: TestClient, database: Database) -> None:
    assert acknowledge(client, rule="drift", subjects=["titanic"]) == (200, {"acknowledged": 1})
    assert statuses(database)["titanic"] == "seen"


def test_what_came_after_the_visitor_looked_stays_open(client: TestClient, database: Database) -> None:
    looked_at = rows(database, "SELECT created_at FROM alerts WHERE subject = 'titanic/1.csv'")[0][0]
    at = str(looked_at).replace(" ", "T")
    assert acknowledge(client, rule=FILES, until=at) == (200, {"acknowledged": 1})
    assert statuses(database)["titanic/2.csv"] == "open"


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({}, 422, "rule"),
        ({"rule": "Drift!"}, 422, "rule"),
        ({"rule": "drift", "until": "yesterday"}, 422, "until"),
        ({"rule": "drift", "subjects": [""]}, 422, "subjects"),
        ({"rule": "drift", "since": "2026-01-01"}, 422, "since"),
        ({"rule": "drift", "use_case": "tulips"}, 404, "tulips"),
    ],
)
def test_what_cannot_be_meant_is_refused_by_name(
    client: TestClient, database: Database, body: dict[str, Any], status: int, field: str
) -> None:
    answered, problem = acknowledge(client, **body)
    assert answered == status
    assert field in str(problem)
    assert "ended" not in statuses(database).values()
