"""A webhook that hangs or talks nonsense, on the running stack: ingestion does not notice, nobody is forgotten."""

import json
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from local_cloud.config import free_ports
from local_cloud.stack import local_stack
from stack_env import client

pytestmark = [pytest.mark.proof, pytest.mark.timeout(1_800)]

FILES = 10


class Webhook:
    """Takes alerts when it is well; hangs or answers nonsense when it is not."""

    def __init__(self) -> None:
        self.told = Counter[str]()
        self.mood = "well"
        self._server = socket.create_server(("127.0.0.1", 0), backlog=100)
        self.url = f"http://127.0.0.1:{self._server.getsockname()[1]}/hook"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            connection, _ = self._server.accept()
            threading.Thread(target=self._answer, args=[connection], daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        mood = self.mood  # what it takes while it hangs it never takes notice of
        with connection, suppress(OSError, ValueError):
            if mood == "hangs":
                threading.Event().wait(60)
            if mood != "well":
                connection.sendall(b"nonsense\r\n\r\n")
                return
            received = b""
            while b"\r\n\r\n" not in received or not received.endswith(b"}"):
                received += connection.recv(65_536)
            card = json.loads(received.partition(b"\r\n\r\n")[2])["attachments"][0]["content"]
            self.told[card["body"][1]["facts"][0]["value"].replace("\\", "")] += 1
            connection.sendall(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")


@pytest.fixture(scope="module")
def webhook() -> Webhook:
    return Webhook()


@pytest.fixture(scope="module")
def stack(webhook: Webhook, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    overrides = {"AlertWebhookUrl": webhook.url, "AlarmEmail": "on-call@example.com"}
    with local_stack(tmp_path_factory.mktemp("alerts"), free_ports(), overrides=overrides) as env:
        yield env


def rows(stack: dict[str, str], sql: str) -> list[Any]:
    engine = create_engine(stack["DATABASE_URL"].replace("postgresql://", "postgresql+psycopg2://"))
    with engine.connect() as connection:
        found = list(connection.execute(text(sql)))
    engine.dispose()
    return found


def eventually(check: Callable[[], object], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < deadline, f"not within {seconds:.0f} s"
        time.sleep(1)


def ingest(stack: dict[str, str], mood: str) -> float:
    """Upload files worth an alert and return how long it took until all had their verdict."""
    s3, start = client(stack, "s3"), time.monotonic()
    for number in range(FILES):
        s3.put_object(Bucket=stack["RAW_BUCKET"], Key=f"titanic/{mood}-{number}.csv", Body=f"a,b\n{mood},{number}\n")
    sql = f"SELECT count(*) FROM ingestions WHERE report_key IS NOT NULL AND key LIKE 'titanic/{mood}-%'"
    eventually(lambda: rows(stack, sql)[0][0] == FILES, 120)
    return time.monotonic() - start


def test_no_alert_is_lost_or_told_twice_and_ingestion_takes_as_long_as_ever(
    stack: dict[str, str], webhook: Webhook
) -> None:
    ingest(stack, "warm-up")
    seconds = {}
    for mood in ("well", "hangs", "nonsense"):
        webhook.mood = mood
        seconds[mood] = round(ingest(stack, mood), 1)
        if mood != "well":
            unsent = "SELECT count(*) FROM alerts WHERE attempts > 0 AND sent_at IS NULL"
            eventually(lambda sql=unsent: rows(stack, sql)[0][0] >= 2, 150)  # type: ignore[misc]
    webhook.mood = "well"
    eventually(lambda: not rows(stack, "SELECT 1 FROM alerts WHERE sent_at IS NULL"), 600)
    print({"seconds to ingest": seconds, "attempts": rows(stack, "SELECT max(attempts) FROM alerts")[0][0]})
    wanted = {f"titanic/{mood}-{number}.csv" for mood in ("warm-up", *seconds) for number in range(FILES)}
    assert {subject: count for subject, count in webhook.told.items() if subject in wanted} == dict.fromkeys(wanted, 1)
    assert max(seconds.values()) < seconds["well"] + 30


def test_alarms_are_deployed_with_their_topic(stack: dict[str, str]) -> None:
    alarms = client(stack, "cloudwatch").describe_alarms()["MetricAlarms"]
    topics = {action for alarm in alarms for action in alarm["AlarmActions"]}
    (topic,) = topics
    subscribed = client(stack, "sns").list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    assert [each["Endpoint"] for each in subscribed] == ["on-call@example.com"]
    print(len(alarms), "alarms")
