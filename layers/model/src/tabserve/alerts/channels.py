"""Where alerts go: an SNS topic, and a Teams channel through a workflow's webhook; either answers in time or fails."""

from http import HTTPStatus
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any, Final

import urllib3
from botocore.exceptions import BotoCoreError, ClientError

from tabserve.alerts.alert import Notice
from tabserve.alerts.ports import AlertChannel
from tabserve.core.errors import AlertDeliveryError

TIMEOUT_S: Final = 5
MARKDOWN: Final = str.maketrans({character: f"\\{character}" for character in "\\`*_{}[]()#+!|<>~"})
COLOURS: Final = {"high": "Attention", "critical": "Attention", "medium": "Warning"}


class SnsChannel:
    """Publishes to a topic."""

    def __init__(self, client: Any, topic_arn: str) -> None:  # noqa: ANN401  boto3 clients have no static type
        self._client = client
        self._topic_arn = topic_arn

    def send(self, notice: Notice) -> None:
        """Publish an alert as plain text; raise AlertDeliveryError."""
        lines = [notice.title, "", *(f"{name}: {value}" for name, value in notice.facts)]
        if notice.link:
            lines += ["", notice.link]
        subject = notice.title.encode("ascii", "replace").decode()[:100]
        try:
            self._client.publish(TopicArn=self._topic_arn, Subject=subject, Message="\n".join(lines))
        except (BotoCoreError, ClientError) as error:
            raise AlertDeliveryError(f"SNS did not take an alert: {error}") from error


class TeamsChannel:
    """Posts Adaptive Cards to a workflow's webhook."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._http = urllib3.PoolManager(retries=False, timeout=TIMEOUT_S)

    def send(self, notice: Notice) -> None:
        """Post an alert; raise AlertDeliveryError. No redirect is followed, and nothing but the status is read."""
        if not self._url.startswith(("http://", "https://")):
            raise AlertDeliveryError("The alert webhook's address must begin with https:// or http://.")
        try:
            answer = self._http.request(
                "POST", self._url, json=adaptive_card(notice), redirect=False, preload_content=False
            )
        except urllib3.exceptions.HTTPError as error:
            raise AlertDeliveryError(f"The alert webhook did not answer: {error}") from error
        answer.close()
        if not HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES:
            raise AlertDeliveryError(f"The alert webhook answered {answer.status}.")


class TimedChannel:
    """Gives a channel some seconds altogether: a receiver that sends a byte now and then outlives every time-out."""

    def __init__(self, channel: AlertChannel, seconds: float) -> None:
        self._channel = channel
        self._seconds = seconds

    def send(self, notice: Notice) -> None:
        """Deliver an alert; raise whatever the channel raises, or AlertDeliveryError when the time is over."""
        answer: SimpleQueue[Exception | None] = SimpleQueue()
        Thread(target=self._deliver, args=(notice, answer), daemon=True).start()
        try:
            error = answer.get(timeout=self._seconds)
        except Empty:
            raise AlertDeliveryError(f"There was no answer within {self._seconds:g} s.") from None
        if error is not None:
            raise error

    def _deliver(self, notice: Notice, answer: SimpleQueue[Exception | None]) -> None:
        try:
            self._channel.send(notice)
        except Exception as error:  # noqa: BLE001  raised again by whoever waits
            answer.put(error)
        else:
            answer.put(None)


def adaptive_card(notice: Notice) -> dict[str, object]:
    """Return the message a Teams workflow posts as a card; texts from outside are kept from being Markdown."""
    colour = "Good" if notice.state == "resolved" else COLOURS.get(notice.severity, "Default")
    title = {"type": "TextBlock", "size": "Large", "weight": "Bolder", "wrap": True, "color": colour}
    facts = [{"title": name, "value": value.translate(MARKDOWN)} for name, value in notice.facts]
    card: dict[str, object] = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": [title | {"text": notice.title.translate(MARKDOWN)}, {"type": "FactSet", "facts": facts}],
    }
    if notice.link:
        card["actions"] = [{"type": "Action.OpenUrl", "title": "Open the report", "url": notice.link}]
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": card}
    return {"type": "message", "attachments": [attachment]}
