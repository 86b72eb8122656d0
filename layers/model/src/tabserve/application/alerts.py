"""Send the alerts that wait in the outbox: each once to each channel, again to those it has not reached."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from tabserve.application.ports.alerts import AlertChannel, AlertOutbox
from tabserve.application.ports.clock import Clock
from tabserve.domain.alert import Alert, Notice, notice
from tabserve.errors import AlertDeliveryError

MAX_ATTEMPTS: Final = 20


@dataclass(frozen=True, slots=True)
class AlertDependencies:
    """What sending needs; without channels alerts wait where they are, to be read there."""

    outbox: AlertOutbox
    channels: Mapping[str, AlertChannel]
    link: Callable[[str], str]
    clock: Clock


@dataclass(slots=True)
class Delivery:
    """How many alerts have reached every channel, and why others have not."""

    sent: int = 0
    errors: list[str] = field(default_factory=list)


def send_alerts(deps: AlertDependencies, limit: int = 100) -> Delivery:
    """Send what waits and return how that went; what fails is tried again later, by whoever calls next."""
    delivery = Delivery()
    if deps.channels:
        for alert in deps.outbox.claim_unsent(limit, MAX_ATTEMPTS):
            errors = _send(alert, deps)
            delivery.errors.extend(errors)
            delivery.sent += not errors
    return delivery


def _send(alert: Alert, deps: AlertDependencies) -> list[str]:
    errors = []
    reached = [name for name in alert.delivered_to if name in deps.channels]
    for name, channel in deps.channels.items():
        if name in reached:
            continue
        try:
            channel.send(_notice(alert, deps))
        except AlertDeliveryError as error:
            errors.append(str(error))
        else:
            reached.append(name)
            deps.outbox.note_delivered(alert.id, reached)
    if not errors:
        deps.outbox.mark_sent(alert.id, deps.clock())
    return errors


def _notice(alert: Alert, deps: AlertDependencies) -> Notice:
    report_key = alert.payload.get("report_key")
    return notice(alert, deps.link(report_key) if isinstance(report_key, str) else None)
