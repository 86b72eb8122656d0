"""A channel that answers in time or counts as away."""

from queue import Empty, SimpleQueue
from threading import Thread

from tabserve.alerts.alert import Notice
from tabserve.alerts.ports import AlertChannel
from tabserve.core.errors import AlertDeliveryError


class TimedChannel:
    """Gives a channel some seconds altogether: a receiver that sends a byte now and then outlives every time-out."""

    def __init__(self, channel: AlertChannel, seconds: float) -> None:
        self._channel = channel
        self._seconds = seconds

    def send(self, notice: Notice) -> None:
        """Deliver an alert; raise whatever the channel raises, or AlertDeliveryError when the time is over."""
        outcome: SimpleQueue[Exception | None] = SimpleQueue()
        Thread(target=self._deliver, args=(notice, outcome), daemon=True).start()
        try:
            error = outcome.get(timeout=self._seconds)
        except Empty:
            raise AlertDeliveryError(f"There was no answer within {self._seconds:g} s.") from None
        if error is not None:
            raise error

    def _deliver(self, notice: Notice, outcome: SimpleQueue[Exception | None]) -> None:
        try:
            self._channel.send(notice)
        except Exception as error:  # noqa: BLE001  raised again by whoever waits
            outcome.put(error)
        else:
            outcome.put(None)
