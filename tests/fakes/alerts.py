"""Alerts on their way, in memory."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from tabserve.domain.alert import Alert, Notice
from tabserve.errors import AlertDeliveryError


@dataclass
class FakeOutbox:
    """Alerts in a dictionary, never leased."""

    alerts: dict[str, Alert] = field(default_factory=dict)

    def add(self, alerts: Sequence[Alert]) -> None:
        for alert in alerts:
            self.alerts.setdefault(alert.id, alert)

    def last(self, rule: str, subject: str) -> Alert | None:
        found = [alert for alert in self.alerts.values() if (alert.rule, alert.subject) == (rule, subject)]
        return max(found, key=lambda alert: alert.created_at, default=None)

    def claim_unsent(self, limit: int, max_attempts: int) -> Sequence[Alert]:
        unsent = [alert for alert in self.alerts.values() if not alert.sent_at and alert.attempts < max_attempts][
            :limit
        ]
        claimed = [replace(alert, attempts=alert.attempts + 1) for alert in unsent]
        self.alerts |= {alert.id: alert for alert in claimed}
        return claimed

    def note_delivered(self, alert_id: str, channels: Sequence[str]) -> None:
        self.alerts[alert_id] = replace(self.alerts[alert_id], delivered_to=tuple(channels))

    def mark_sent(self, alert_id: str, at: datetime) -> None:
        self.alerts[alert_id] = replace(self.alerts[alert_id], sent_at=at)


@dataclass
class FakeChannel:
    """Keeps notices; fails as often as told."""

    failures: int = 0
    sent: list[Notice] = field(default_factory=list)

    def send(self, notice: Notice) -> None:
        if self.failures:
            self.failures -= 1
            raise AlertDeliveryError("The channel is away.")
        self.sent.append(notice)
