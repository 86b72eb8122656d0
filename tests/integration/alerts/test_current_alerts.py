"""Which alerts are open, seen or ended, and whose they are."""

import json
from dataclasses import replace
from datetime import datetime, timedelta

from alembic import command
from sqlalchemy import text

import migrate
from tabserve.alerts.alert import Alert, AlertState, alert_id
from tabserve.alerts.outbox import Outbox
from tabserve.core import database as databases
from tabserve.core.clock import utc_now
from tabserve.core.database import Database
from tests.factories import rows

STATUS = "SELECT rule, subject, status FROM current_alerts ORDER BY rule, subject"


def transition(rule: str, subject: str, state: AlertState = "firing", at: datetime | None = None) -> Alert:
    now = at or utc_now()
    return Alert(alert_id(rule, subject, state, str(now)), rule, subject, "titanic", state, "high", {}, now)


def test_the_latest_transition_of_a_subject_counts(database: Database) -> None:
    now = utc_now()
    fired = transition("drift", "titanic", at=now - timedelta(minutes=3))
    over = transition("drift", "titanic", "resolved", at=now - timedelta(minutes=2))
    Outbox(database).add([fired, over, transition("drift", "iris", at=now - timedelta(days=90))])
    assert rows(database, STATUS) == [("drift", "iris", "open"), ("drift", "titanic", "ended")]
    Outbox(database).add([transition("drift", "titanic", at=now)])
    assert rows(database, STATUS)[1] == ("drift", "titanic", "open")


def test_of_transitions_of_one_instant_one_counts(database: Database) -> None:
    at = utc_now()
    both = [transition("drift", "titanic", state, at) for state in ("firing", "resolved")]
    Outbox(database).add([replace(both[0], id=max(b.id for b in both)), replace(both[1], id=min(b.id for b in both))])
    assert rows(database, STATUS) == [("drift", "titanic", "open")]


def test_a_files_alert_ends_after_a_week(database: Database) -> None:
    now = utc_now()
    Outbox(database).add([transition("data_quality", "old", at=now - timedelta(days=7, minutes=1))])
    Outbox(database).add([transition("data_quality", "recent", at=now - timedelta(days=6, hours=23))])
    assert rows(database, STATUS) == [("data_quality", "old", "ended"), ("data_quality", "recent", "open")]


STORED = "INSERT INTO alerts (id, rule, subject, state, severity, payload, created_at) VALUES (:id, :rule, :subject, "
STORED += "'firing', 'high', :payload, '2026-01-02 12:00:00')"


def test_alerts_of_before_know_their_use_case(database_url: str) -> None:
    engine = databases.create(database_url)
    file = {"use_case": "titanic", "file_id": "f1"}
    stored = [
        ("drift", "titanic", {}, "titanic"),
        ("no_model", "iris", {"use_case": "iris"}, "iris"),
        ("data_quality", "titanic/a.csv", file, "titanic"),
        ("data_quality", "nobody/a.csv", {"use_case": "unknown"}, None),
        ("prediction_failed", "titanic/b.csv", file, "titanic"),
        ("raw_files_not_ingested", "raw bucket", {"files": 1}, None),
    ]
    with engine.begin() as connection:
        command.downgrade(migrate.config(connection), "0007")
        for rule, subject, payload, _ in stored:
            values = {"id": alert_id(rule, subject, "firing", ""), "rule": rule, "subject": subject}
            connection.execute(text(STORED), values | {"payload": json.dumps(payload)})
    migrate.migrate(database_url)
    with engine.begin() as connection:
        found = connection.execute(text("SELECT rule, subject, use_case FROM alerts")).all()
    assert {tuple(row) for row in found} == {(rule, subject, use_case) for rule, subject, _, use_case in stored}
    engine.dispose()
