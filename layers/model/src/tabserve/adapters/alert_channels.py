"""Where alerts go: an SNS topic, and a Teams channel through a workflow's webhook."""

import json
import random
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from tabserve.domain.alert import Notice
from tabserve.errors import AlertDeliveryError

ATTEMPTS: Final = 3
TIMEOUT_S: Final = 5
LONGEST_PAUSE_S: Final = 10.0
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

    def __init__(self, url: str, pause: Callable[[float], None] = time.sleep) -> None:
        self._url = url
        self._pause = pause

    def send(self, notice: Notice) -> None:
        """Post an alert, again after 429 and 5xx; raise AlertDeliveryError."""
        body = json.dumps(adaptive_card(notice)).encode()
        for attempt in range(1, ATTEMPTS + 1):
            status, wait = self._post(body)
            if status < HTTPStatus.MULTIPLE_CHOICES:
                return
            passing = status == HTTPStatus.TOO_MANY_REQUESTS or status >= HTTPStatus.INTERNAL_SERVER_ERROR
            if not passing or attempt == ATTEMPTS:
                break
            self._pause(min(wait or random.uniform(0, 2.0**attempt), LONGEST_PAUSE_S))  # noqa: S311  no secret
        raise AlertDeliveryError(f"The alert webhook answered {status or 'nothing'}.")

    def _post(self, body: bytes) -> tuple[int, float | None]:
        """Return the status, and the seconds to wait that came with it; no answer counts as 599."""
        request = urllib.request.Request(  # noqa: S310  the operator's own setting
            self._url, data=body, headers={"Content-Type": "application/json"}, method="POST"
        )
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_S) as response:  # noqa: S310
                return response.status, None
        except urllib.error.HTTPError as error:
            with error:
                return error.code, _seconds(error.headers.get("Retry-After"))
        except OSError:
            return 599, None


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


def _seconds(retry_after: str | None) -> float | None:
    return float(retry_after) if retry_after and retry_after.isdigit() else None
