"""Send the alerts that wait in the outbox: each once to each channel, for as long as it takes to reach them all."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from tabserve.alerts.alert import Alert, next_attempt_after, notice
from tabserve.alerts.ports import AlertChannel, AlertOutbox, Due
from tabserve.core.clock import Clock

AT_ONCE: Final = 100
# Longer than a run may take: what a sender has claimed, no other one sends.
LEASE: Final = timedelta(seconds=90)
PATIENCE: Final = 2  # failures in a row; one may be the alert's fault
LONGEST_SEND_S: Final = 5.0
KEPT_S: Final = LONGEST_SEND_S + 5  # to note what came of the last send


@dataclass(frozen=True, slots=True)
class AlertDependencies:
    """What sending needs; without channels alerts wait where they are, to be read there."""

    outbox: AlertOutbox
    channels: Mapping[str, AlertChannel]
    ui_url: str
    clock: Clock


@dataclass(slots=True)
class Delivery:
    """How many alerts have reached every channel, why others have not, and the failures in a row of each channel."""

    sent: int = 0
    errors: list[str] = field(default_factory=list)
    failures: dict[str, int] = field(default_factory=dict)

    @property
    def well(self) -> set[str]:
        """The channels that are still tried."""
        return {name for name, failures in self.failures.items() if failures < PATIENCE}


def send_alerts(deps: AlertDependencies, seconds_left: Callable[[], float]) -> Delivery:
    """Send what is due until none is left, no channel is well or the time is over; what is left waits for the next run.

    A channel that fails is left alone for the rest of the run, so that it holds up neither the others nor the run.
    """
    delivery = Delivery(failures=dict.fromkeys(deps.channels, 0))
    due = _due(deps)
    while delivery.well and seconds_left() > KEPT_S and (each := next(due, None)):
        _send(each, deps, delivery, seconds_left)
    return delivery


def _due(deps: AlertDependencies) -> Iterator[Due]:
    while claimed := deps.outbox.claim_due(AT_ONCE, deps.clock(), LEASE):
        yield from claimed


def _send(due: Due, deps: AlertDependencies, delivery: Delivery, seconds_left: Callable[[], float]) -> None:
    alert = due.alert
    reached = [name for name in alert.delivered_to if name in deps.channels]
    # Nobody shall hear of the end before the beginning.
    tried = delivery.well if due.after is None else delivery.well & set(due.after)
    failed = False
    for name in sorted(tried - set(reached)):
        if seconds_left() <= KEPT_S:
            return
        if error := _notify(alert, deps.channels[name], deps.ui_url):
            delivery.errors.append(f"{name}: {error}")
            delivery.failures[name] += 1
            failed = True
        else:
            delivery.failures[name] = 0
            reached.append(name)
            deps.outbox.note_delivered(alert.id, reached)
    if failed:
        deps.outbox.postpone(alert.id, next_attempt_after(alert.attempts + 1, deps.clock()))
    elif len(reached) == len(deps.channels):
        deps.outbox.mark_sent(alert.id, deps.clock())
        delivery.sent += 1


def _notify(alert: Alert, channel: AlertChannel, ui_url: str) -> str | None:
    """Return why a channel has not got an alert, None when it has."""
    try:
        channel.send(notice(alert, ui_url))
    except Exception as error:  # noqa: BLE001  whatever one channel or one alert does, the others go on
        return str(error) or type(error).__name__
    return None
