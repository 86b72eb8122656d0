"""Alerts on their way, in memory."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from tabserve.alerts.alert import Alert, Notice, Seen
from tabserve.alerts.ports import Due


@dataclass
class FakeOutbox:
    """Alerts in a dictionary."""

    alerts: dict[str, Alert] = field(default_factory=dict)
    next_attempts: dict[str, datetime] = field(default_factory=dict)
    acknowledged: dict[str, datetime] = field(default_factory=dict)

    def add(self, alerts: Sequence[Alert]) -> None:
        for alert in alerts:
            self.alerts.setdefault(alert.id, alert)

    def last(self, rule: str, subject: str) -> Alert | None:
        found = [alert for alert in self.alerts.values() if (alert.rule, alert.subject) == (rule, subject)]
        return max(found, key=lambda alert: alert.created_at, default=None)

    def acknowledge(self, seen: Seen, at: datetime) -> int:
        meant = {
            alert.id
            for alert in self.alerts.values()
            if alert is self.last(alert.rule, alert.subject)
            and alert.state == "firing"
            and alert.rule == seen.rule
            and (seen.subjects is None or alert.subject in seen.subjects)
            and (seen.use_case is None or alert.use_case == seen.use_case)
            and alert.created_at <= seen.until
        }
        new = meant - self.acknowledged.keys()
        self.acknowledged |= dict.fromkeys(new, at)
        return len(new)

    def claim_due(self, limit: int, at: datetime, lease: timedelta) -> Sequence[Due]:
        unsent = sorted((one for one in self.alerts.values() if not one.sent_at), key=lambda one: one.created_at)
        after: dict[tuple[str, str], tuple[str, ...]] = {}
        due = []
        for alert in unsent:
            before = after.get((alert.rule, alert.subject))
            after[alert.rule, alert.subject] = alert.delivered_to
            if before != () and self.next_attempts.get(alert.id, at) <= at:
                due.append(Due(alert, before))
        self.next_attempts |= {each.alert.id: at + lease for each in due[:limit]}
        return due[:limit]

    def note_delivered(self, alert_id: str, channels: Sequence[str]) -> None:
        self._count_attempt(alert_id)
        self.alerts[alert_id] = replace(self.alerts[alert_id], delivered_to=tuple(channels))

    def postpone(self, alert_id: str, until: datetime) -> None:
        self._count_attempt(alert_id)
        self.next_attempts[alert_id] = until

    def mark_sent(self, alert_id: str, at: datetime) -> None:
        self.alerts[alert_id] = replace(self.alerts[alert_id], sent_at=at)

    def _count_attempt(self, alert_id: str) -> None:
        self.alerts[alert_id] = replace(self.alerts[alert_id], attempts=self.alerts[alert_id].attempts + 1)


@dataclass
class FakeChannel:
    """Keeps notices; as long as it has an error, it raises that."""

    error: Exception | None = None
    tries: int = 0
    sent: list[Notice] = field(default_factory=list)

    def send(self, notice: Notice) -> None:
        self.tries += 1
        if self.error is not None:
            raise self.error
        self.sent.append(notice)
