"""Alerts on their way."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from tabserve.domain.alert import Alert, Notice


class AlertOutbox(Protocol):
    """Alerts to be sent: written with what they tell, sent afterwards, at least once."""

    def add(self, alerts: Sequence[Alert]) -> None:
        """Store alerts; one whose id is there is left as it is."""
        ...

    def last(self, rule: str, subject: str) -> Alert | None:
        """Return the latest transition of a rule on a subject."""
        ...

    def claim_unsent(self, limit: int, max_attempts: int) -> Sequence[Alert]:
        """Return unsent alerts, oldest first, with the attempt counted; no two workers get the same at a time."""
        ...

    def note_delivered(self, alert_id: str, channels: Sequence[str]) -> None:
        """Note which channels have got an alert, so that a retry leaves them alone."""
        ...

    def mark_sent(self, alert_id: str, at: datetime) -> None:
        """Note that an alert has reached everyone who wants it."""
        ...


class AlertChannel(Protocol):
    """One way to tell people about an alert."""

    def send(self, notice: Notice) -> None:
        """Deliver an alert; raise AlertDeliveryError."""
        ...
