"""Alerts on their way."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from tabserve.alerts.alert import Alert, Notice, Seen


@dataclass(frozen=True, slots=True)
class Due:
    """An alert to be sent; `after` are the channels that know what came before it, None when nothing waits there."""

    alert: Alert
    after: Collection[str] | None = None


class AlertOutbox(Protocol):
    """Alerts to be sent: written with what they are about, sent afterwards, at least once."""

    def add(self, alerts: Sequence[Alert]) -> None:
        """Store alerts, unless they are there."""

    def last(self, rule: str, subject: str) -> Alert | None:
        """Return the latest transition of a rule on a subject."""

    def acknowledge(self, seen: Seen, at: datetime) -> int:
        """Note that somebody has seen alerts, and return how many; those that were seen before count no more."""

    def claim_due(self, limit: int, at: datetime, lease: timedelta) -> Sequence[Due]:
        """Return alerts that are to be sent now, oldest first; until the lease is over nobody else gets them.

        An alert is not due while no channel has got the one before it of the same rule on the same subject.
        """

    def note_delivered(self, alert_id: str, channels: Sequence[str]) -> None:
        """Count an attempt and note which channels have got an alert, so that a retry leaves them alone."""

    def postpone(self, alert_id: str, until: datetime) -> None:
        """Count an attempt that failed; the next one is made at a later time."""

    def mark_sent(self, alert_id: str, at: datetime) -> None:
        """Note that an alert has reached everyone who wants it."""


class AlertChannel(Protocol):
    """One way to notify people of an alert."""

    def send(self, notice: Notice) -> None:
        """Deliver an alert; raise AlertDeliveryError."""
