"""Alerts over the wire: a real HTTP receiver, and SNS as moto emulates it."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tabserve.alerts.alert import Notice
from tabserve.alerts.channels import SnsChannel, TeamsChannel, TimedChannel
from tabserve.core.errors import AlertDeliveryError
from tests.fakes.alerts import FakeChannel
from tests.lambdas import emulated
from tests.servers import Answer, Receiver, receiver, sick_server

NOTICE = Notice(
    "High: data quality",
    (("subject", "orders/[click](http://evil)*.csv"), ("rows", "1 good and 2 bad of 3")),
    "firing",
    "high",
    "https://reports/1.html?signature=a&b=c",
)


@pytest.fixture
def statuses() -> list[int]:
    """What the webhook answers in turn; then it answers 202."""
    return []


@pytest.fixture
def webhook(statuses: list[int]) -> Iterator[Receiver]:
    location = {"Location": "/workflow"}
    with receiver(lambda: Answer(statuses.pop(0), headers=location) if statuses else Answer()) as webhook:
        yield webhook


def test_a_card_with_the_facts_and_the_link_arrives(webhook: Receiver) -> None:
    TeamsChannel(webhook.url).send(NOTICE)
    [message] = webhook.bodies
    [attachment] = message["attachments"]
    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    card = attachment["content"]
    assert (card["type"], card["body"][0]["text"], card["body"][0]["color"]) == (
        "AdaptiveCard",
        "High: data quality",
        "Attention",
    )
    assert card["actions"][0]["url"] == NOTICE.link


def test_markdown_from_outside_stays_text(webhook: Receiver) -> None:
    TeamsChannel(webhook.url).send(NOTICE)
    facts = webhook.bodies[0]["attachments"][0]["content"]["body"][1]["facts"]
    assert facts[0]["value"] == "orders/\\[click\\]\\(http://evil\\)\\*.csv"


@pytest.mark.parametrize("status", [301, 400, 404, 429, 500, 503])
def test_a_refusal_is_an_error_and_not_asked_again_at_once(webhook: Receiver, statuses: list[int], status: int) -> None:
    statuses.append(status)
    with pytest.raises(AlertDeliveryError, match=str(status)):
        TeamsChannel(webhook.url).send(NOTICE)
    assert len(webhook.bodies) == 1


def test_a_redirect_is_not_followed(webhook: Receiver, statuses: list[int]) -> None:
    statuses += [302] * 50
    with pytest.raises(AlertDeliveryError, match="302"):
        TeamsChannel(webhook.url).send(NOTICE)
    assert len(webhook.bodies) == 1


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:9/", "127.0.0.1:9/hook", "ftp://chat.example/", "http://[::1", "https://"]
)
def test_a_webhook_that_is_not_there_is_an_error(url: str) -> None:
    with pytest.raises(AlertDeliveryError):
        TeamsChannel(url).send(NOTICE)


@pytest.mark.parametrize(
    "answer", [b"nonsense\r\n\r\n", b"HTTP/1.1 maybe\r\n\r\n", b"HTTP/9.9 200 OK\r\n\r\n", b"\0" * 70_000, b""]
)
def test_an_answer_that_is_no_http_is_an_error(answer: bytes) -> None:
    with sick_server(answer) as url, pytest.raises(AlertDeliveryError):
        TeamsChannel(url).send(NOTICE)


def test_a_webhook_that_hangs_is_an_error_when_its_time_is_over() -> None:
    with sick_server(None) as url, pytest.raises(AlertDeliveryError, match="within"):
        TimedChannel(TeamsChannel(url), 0.2).send(NOTICE)


def test_a_timed_channel_delivers_and_raises_what_the_channel_raises(webhook: Receiver) -> None:
    TimedChannel(TeamsChannel(webhook.url), 30).send(NOTICE)
    assert len(webhook.bodies) == 1
    with pytest.raises(ValueError, match="not my day"):
        TimedChannel(FakeChannel(ValueError("not my day")), 30).send(NOTICE)


@pytest.fixture
def aws() -> Iterator[Any]:
    with emulated() as aws:
        yield aws


def test_subscribers_of_the_topic_get_the_facts_and_the_link(aws: Any) -> None:
    sns, sqs = aws.sns, aws.sqs
    topic = sns.create_topic(Name="alerts")["TopicArn"]
    queue = sqs.create_queue(QueueName="inbox")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    SnsChannel(sns, topic).send(NOTICE)
    [message] = sqs.receive_message(QueueUrl=queue)["Messages"]
    body = json.loads(message["Body"])
    assert body["Subject"] == "High: data quality"
    assert "rows: 1 good and 2 bad of 3" in body["Message"]
    assert NOTICE.link in body["Message"]


def test_a_topic_that_is_not_there_is_an_error(aws: Any) -> None:
    with pytest.raises(AlertDeliveryError, match="SNS did not take"):
        SnsChannel(aws.sns, "arn:aws:sns:us-east-1:123456789012:gone").send(NOTICE)


def test_a_dead_letter_goes_back_to_its_queue(aws: Any) -> None:
    import redrive

    sqs = aws.sqs
    queue, dead_letters = (sqs.create_queue(QueueName=name)["QueueUrl"] for name in ("ingest", "dead"))
    for number in range(15):
        sqs.send_message(QueueUrl=dead_letters, MessageBody=f"message {number}")
    assert redrive.redrive(sqs, dead_letters, queue) == 15
    counts = [
        sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"])["Attributes"]
        for url in (queue, dead_letters)
    ]
    assert [int(count["ApproximateNumberOfMessages"]) for count in counts] == [15, 0]
