"""Alerts waiting to be sent, in the database."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Text, cast, func, or_, select, update

from tabserve.alerts.alert import Alert, Seen
from tabserve.alerts.ports import Due
from tabserve.core.database import Database, insert
from tabserve.core.tables import alerts, current_alerts

COLUMNS = [alerts.c[field.name] for field in fields(Alert)]
older = alerts.alias("older")
# Whom the alert before has reached, of the same rule on the same subject, as long as it has not reached everybody.
AFTER = (
    select(older.c.delivered_to)
    .where(older.c.rule == alerts.c.rule, older.c.subject == alerts.c.subject)
    .where(older.c.sent_at.is_(None), older.c.created_at < alerts.c.created_at)
    .order_by(older.c.created_at.desc())
    .limit(1)
    .correlate(alerts)
    .scalar_subquery()
)


class Outbox:
    """The `alerts` table as an outbox; implements AlertOutbox."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, new: Sequence[Alert]) -> None:
        self._database.run(lambda connection: add_alerts(connection, new))

    def last(self, rule: str, subject: str) -> Alert | None:
        return self._database.run(lambda connection: last_alert(connection, rule, subject))

    def acknowledge(self, seen: Seen, at: datetime) -> int:
        return self._database.run(lambda connection: _acknowledge(connection, seen, at))

    def claim_due(self, limit: int, at: datetime, lease: timedelta) -> Sequence[Due]:
        return self._database.run(lambda connection: _claim(connection, limit, at, lease))

    def note_delivered(self, alert_id: str, channels: Sequence[str]) -> None:
        self._count_attempt(alert_id, delivered_to=list(channels))

    def postpone(self, alert_id: str, until: datetime) -> None:
        self._count_attempt(alert_id, next_attempt_at=until)

    def mark_sent(self, alert_id: str, at: datetime) -> None:
        sent = update(alerts).where(alerts.c.id == alert_id, alerts.c.sent_at.is_(None)).values(sent_at=at)
        self._database.run(lambda connection: connection.execute(sent))

    def _count_attempt(self, alert_id: str, **values: object) -> None:
        tried = update(alerts).where(alerts.c.id == alert_id).values(attempts=alerts.c.attempts + 1, **values)
        # Not `run`, which does it again when the connection breaks: an attempt would count twice.
        with self._database.transaction() as connection:
            connection.execute(tried)


def _alert(values: Mapping[str, Any]) -> Alert:
    return Alert(**{**values, "delivered_to": tuple(values["delivered_to"])})


def add_alerts(connection: Connection, new: Sequence[Alert]) -> None:
    """Store alerts in the transaction of what they are about."""
    if new:
        rows = [{field.name: getattr(alert, field.name) for field in fields(alert)} for alert in new]
        connection.execute(insert(connection, alerts).on_conflict_do_nothing(index_elements=["id"]), rows)


def last_alert(connection: Connection, rule: str, subject: str) -> Alert | None:
    """Return the latest transition of a rule on a subject."""
    query = select(*COLUMNS).where(alerts.c.rule == rule, alerts.c.subject == subject)
    row = connection.execute(query.order_by(alerts.c.created_at.desc(), alerts.c.id.desc()).limit(1)).first()
    return None if row is None else _alert(row._asdict())


def _acknowledge(connection: Connection, seen: Seen, at: datetime) -> int:
    current = current_alerts.c
    meant = select(current.id).where(current.status == "open", current.rule == seen.rule)
    if seen.subjects is not None:
        meant = meant.where(current.subject.in_(seen.subjects))
    if seen.use_case is not None:
        meant = meant.where(current.use_case == seen.use_case)
    meant = meant.where(current.created_at <= seen.until)
    return connection.execute(update(alerts).where(alerts.c.id.in_(meant)).values(acknowledged_at=at)).rowcount


def _claim(connection: Connection, limit: int, at: datetime, lease: timedelta) -> Sequence[Due]:
    due = (
        select(*COLUMNS, AFTER.label("after"))
        .where(alerts.c.sent_at.is_(None), func.coalesce(cast(AFTER, Text), "") != "[]")
        .where(or_(alerts.c.next_attempt_at.is_(None), alerts.c.next_attempt_at <= at))
        .order_by(alerts.c.created_at)
        .limit(limit)
        .with_for_update(skip_locked=True, of=alerts)
    )
    found = [row._asdict() for row in connection.execute(due)]
    claimed = update(alerts).where(alerts.c.id.in_([each["id"] for each in found]))
    connection.execute(claimed.values(next_attempt_at=at + lease))
    return [Due(after=each.pop("after"), alert=_alert(each)) for each in found]
