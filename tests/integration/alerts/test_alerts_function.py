"""The sender of alerts on a real database and over real sockets: away, hanging, talking nonsense, and well again."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime, timedelta

import pytest

from tabserve.alerts.alert import Alert, alert_id
from tabserve.alerts.channels import TeamsChannel, TimedChannel
from tabserve.alerts.outbox import Outbox
from tabserve.alerts.ports import AlertChannel
from tabserve.alerts.service import AlertDependencies, Delivery, send_alerts
from tabserve.core.database import Database
from tests.factories import CONTEXT, NOON
from tests.fakes.alerts import FakeChannel
from tests.lambdas import started
from tests.servers import Receiver, receiver, sick_server


@pytest.fixture
def webhook() -> Iterator[Receiver]:
    with receiver() as webhook:
        yield webhook


def titles_of(webhook: Receiver) -> Counter[str]:
    return Counter(message["attachments"][0]["content"]["body"][0]["text"] for message in webhook.bodies)


@contextmanager
def nobody() -> Iterator[str]:
    yield "http://127.0.0.1:9/hook"


def stored(database: Database, count: int) -> set[str]:
    """Store alerts and return the titles they will be told under."""
    names = [f"trouble {number}" for number in range(count)]
    made = [
        Alert(alert_id("rule", name, "firing", ""), "rule", name, None, "firing", "high", {"title": name}, NOON)
        for name in names
    ]
    Outbox(database).add(made)
    return {f"High: {name}" for name in names}


def run(database: Database, now: datetime, url: str, other: FakeChannel, patience: float) -> Delivery:
    channels: dict[str, AlertChannel] = {"other": other, "webhook": TimedChannel(TeamsChannel(url), patience)}
    return send_alerts(AlertDependencies(Outbox(database), channels, "", lambda: now), lambda: 60)


@pytest.mark.parametrize(
    "sick",
    [lambda: sick_server(None), lambda: sick_server(b"nonsense\r\n\r\n"), nobody],
    ids=["hangs", "nonsense", "away"],
)
def test_a_sick_webhook_loses_no_alert_and_each_is_told_once_when_it_is_well(
    postgres: Database, webhook: Receiver, sick: Callable[[], AbstractContextManager[str]]
) -> None:
    titles, other, now = stored(postgres, 30), FakeChannel(), NOON
    with sick() as url:
        for _ in range(8):
            assert len(run(postgres, now, url, other, patience=0.2).errors) <= 2
            now += timedelta(minutes=1)
    assert {notice.title for notice in other.sent} == titles
    for _ in range(20):
        run(postgres, now, webhook.url, other, patience=30)
        now += timedelta(minutes=1)
    assert titles_of(webhook) == dict.fromkeys(titles, 1)
    assert len(other.sent) == len(titles)


def test_the_function_tells_the_webhook_and_the_count(
    postgres: Database, postgres_url: str, webhook: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    titles = stored(postgres, 3)
    app = started("alerts", monkeypatch, DATABASE_URL=postgres_url, ALERT_WEBHOOK_URL=webhook.url)
    assert app.handler({}, CONTEXT) == {"sent": 3, "failed": 0}
    assert app.handler({}, CONTEXT) == {"sent": 0, "failed": 0}
    assert titles_of(webhook) == dict.fromkeys(titles, 1)
