"""Queues in SQS."""

from collections.abc import Callable
from functools import cache
from typing import Any, Protocol

from tabserve.core.errors import StorageUnavailableError


class SqsQueue:
    """One queue; its client is made when the first message is sent."""

    def __init__(self, client: Callable[[], Any], url: str) -> None:
        self._client = cache(client)
        self._url = url

    def send(self, body: bytes) -> None:
        """Send one message; raise StorageUnavailableError."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            self._client().send_message(QueueUrl=self._url, MessageBody=body.decode())
        except (BotoCoreError, ClientError) as error:
            raise StorageUnavailableError(f"Cannot send to the queue {self._url}: {error}") from error


class Queue(Protocol):
    """A queue that others read."""

    def send(self, body: bytes) -> None:
        """Send one message; raise UnavailableError."""
