"""Alerts waiting to be sent, in the database."""

from collections.abc import Sequence
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, or_, select, update

from tabserve.adapters.database import Database, insert
from tabserve.adapters.tables import alerts
from tabserve.domain.alert import Alert

COLUMNS = [alerts.c[field.name] for field in fields(Alert)]
LEASE = timedelta(minutes=2)


class Outbox:
    """The `alerts` table as an outbox: written with what an alert tells, sent afterwards, at least once."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, new: Sequence[Alert]) -> None:
        """Store alerts; one whose id is there is left as it is."""
        self._database.run(lambda connection: add_alerts(connection, new))

    def last(self, rule: str, subject: str) -> Alert | None:
        """Return the latest transition of a rule on a subject."""
        query = select(*COLUMNS).where(alerts.c.rule == rule, alerts.c.subject == subject)
        newest = query.order_by(alerts.c.created_at.desc(), alerts.c.id.desc()).limit(1)
        row = self._database.run(lambda connection: connection.execute(newest).first())
        return None if row is None else _alert(row)

    def claim_unsent(self, limit: int, max_attempts: int) -> Sequence[Alert]:
        """Return unsent alerts, oldest first, with the attempt counted; for two minutes no other worker gets them."""
        return self._database.run(lambda connection: _claim(connection, limit, max_attempts))

    def note_delivered(self, alert_id: str, channels: Sequence[str]) -> None:
        """Note which channels have got an alert, so that a retry leaves them alone."""
        noted = update(alerts).where(alerts.c.id == alert_id).values(delivered_to=list(channels))
        self._database.run(lambda connection: connection.execute(noted))

    def mark_sent(self, alert_id: str, at: datetime) -> None:
        """Note that an alert has reached everyone who wants it."""
        sent = update(alerts).where(alerts.c.id == alert_id, alerts.c.sent_at.is_(None)).values(sent_at=at)
        self._database.run(lambda connection: connection.execute(sent))


def _alert(row: Row[Any]) -> Alert:
    values = row._asdict()
    return Alert(**values | {"delivered_to": tuple(values["delivered_to"])})


def add_alerts(connection: Connection, new: Sequence[Alert]) -> None:
    """Store alerts in the transaction of what they tell."""
    if new:
        rows = [{field.name: getattr(alert, field.name) for field in fields(alert)} for alert in new]
        connection.execute(insert(connection, alerts).on_conflict_do_nothing(index_elements=["id"]), rows)


def _claim(connection: Connection, limit: int, max_attempts: int) -> Sequence[Alert]:
    now = datetime.now(UTC)
    free = (
        select(alerts.c.id)
        .where(alerts.c.sent_at.is_(None), alerts.c.attempts < max_attempts)
        .where(or_(alerts.c.leased_until.is_(None), alerts.c.leased_until < now))
        .order_by(alerts.c.created_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    claimed = (
        update(alerts)
        .where(alerts.c.id.in_(free.scalar_subquery()))
        .values(attempts=alerts.c.attempts + 1, leased_until=now + LEASE)
        .returning(*COLUMNS)
    )
    return sorted((_alert(row) for row in connection.execute(claimed)), key=lambda alert: alert.created_at)
