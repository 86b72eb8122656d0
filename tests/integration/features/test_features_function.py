"""The function that fills the feature store, on an emulated S3, SQS and DynamoDB, event to answer."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tabserve.core.events import GoodFile, good_file_message
from tabserve.core.settings import read_settings
from tabserve.features import service
from tabserve.features.build import feature_store
from tests.factories import CONTEXT, good_object, lambda_context
from tests.lambdas import emulated, messages, started

HEADER = "PassengerId,Survived,Pclass,Name,Sex,Age,Fare,Embarked"
EVENTS = Path(__file__).parents[2] / "events"
KEY = "titanic/00ff/first 100%.csv"


@pytest.fixture
def aws() -> Iterator[Any]:
    with emulated(buckets=("good",), tables=("features",)) as aws:
        aws.queue = aws.sqs.create_queue(QueueName="features")["QueueUrl"]
        yield aws


@pytest.fixture
def app(aws: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    settings = {"GOOD_BUCKET": "good", "FEATURES_TABLE": "features", "FEATURES_QUEUE_URL": aws.queue}
    return started("features", monkeypatch, **settings)


def drop(aws: Any, rows: list[str], written: str = "", key: str = KEY) -> dict[str, Any]:
    """Put a good object there; return the event that S3 sends about it."""
    body = good_object(HEADER, dict(enumerate(rows, start=1)))
    notes = {"raw-written-at": written} if written else {}
    etag = aws.s3.put_object(Bucket="good", Key=key, Body=body, Metadata=notes)["ETag"].strip('"')
    return messages(good_file_message(GoodFile("good", key, etag)))


def known(*ids: str) -> dict[str, Any]:
    return dict(feature_store(read_settings()).get("titanic", ids))


def metric_line(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    (line,) = [line for line in capsys.readouterr().out.splitlines() if "_aws" in line]
    return dict(json.loads(line))


def test_a_good_file_becomes_features_and_never_its_target(app: Any, aws: Any) -> None:
    event = drop(aws, ['1,0,3,"Doe, ""J"" ",male,22,7.25,S', "2,1,1,Roe,female,,71.28,"], "2026-01-02T12:00:00+00:00")
    assert app.handler(event, CONTEXT) == {"batchItemFailures": []}
    found = known("1", "2", "3")
    assert found.keys() == {"1", "2"}
    assert found["1"].features == {"Pclass": 3, "Sex": "male", "Age": 22.0, "Fare": 7.25, "Embarked": "S"}
    assert found["2"].features == {"Pclass": 1, "Sex": "female", "Age": None, "Fare": 71.28, "Embarked": None}
    assert found["1"].event_time.isoformat() == "2026-01-02T12:00:00+00:00"


def test_an_event_as_s3_sends_it_is_understood(app: Any, aws: Any) -> None:
    drop(aws, ["1,0,3,Doe,male,22,7.25,S"])
    assert app.handler(json.loads((EVENTS / "features.json").read_text()), CONTEXT) == {"batchItemFailures": []}
    assert known("1").keys() == {"1"}


def test_an_older_file_that_comes_late_changes_nothing(app: Any, aws: Any) -> None:
    app.handler(drop(aws, ["1,0,3,Doe,male,22,7.25,S"], "2026-01-02T12:00:00+00:00"), CONTEXT)
    late = drop(aws, ["1,0,1,Doe,male,21,7.25,S"], "2026-01-02T11:59:59+00:00", "titanic/01/late.csv")
    assert app.handler(late, CONTEXT) == {"batchItemFailures": []}
    assert known("1")["1"].features["Age"] == 22.0


def test_a_long_file_goes_on_through_the_queue_until_it_ends(
    app: Any, aws: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "ROWS_PER_PIECE", 100)
    event = drop(aws, [f'{number},0,3,"a\nb",male,{number % 80},7.25,S' for number in range(250)])
    parts = 0
    while event:
        assert app.handler(event, lambda_context(seconds=5)) == {"batchItemFailures": []}
        parts += 1
        (sent,) = aws.sqs.receive_message(QueueUrl=aws.queue).get("Messages", [None])
        event = messages(sent["Body"]) if sent else {}
    assert parts == 3
    found = known(*map(str, range(250)))
    assert {int(id_): entity.features["Age"] for id_, entity in found.items()} == {n: n % 80 for n in range(250)}


def test_a_table_that_is_away_sends_its_message_back_and_no_other(
    app: Any, aws: Any, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    event = drop(aws, ["1,0,3,Secret Name,male,22,7.25,S"])
    aws.dynamodb.delete_table(TableName="features")
    test_event = json.dumps({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "good"})
    event = messages(event["Records"][0]["body"], test_event, "{")
    assert app.handler(event, CONTEXT) == {"batchItemFailures": [{"itemIdentifier": "1"}, {"itemIdentifier": "3"}]}
    assert len(caplog.records) == 2
    assert "Secret" not in caplog.text
    assert metric_line(capsys)["FailedMessages"] == [2]


def test_what_cannot_be_stored_is_told_without_its_values(
    app: Any, aws: Any, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    event = drop(aws, ["1,0,3,Doe,male,22,7.25,S", "2,0,9,Roe,female,-4,7.25,S"])
    app.handler(event, CONTEXT)
    (refused,) = [vars(record) for record in caplog.records if record.getMessage() == "rows refused"]
    assert refused["rules"] == {2: "not_a_row"}
    metrics = metric_line(capsys)
    assert (metrics["FeaturesStored"], metrics["FeatureRowsRefused"], metrics["MalformedGoodFiles"]) == ([1], [1], [0])


def test_a_file_of_an_unknown_use_case_is_left(app: Any, aws: Any) -> None:
    assert app.handler(drop(aws, ["1"], key="tulips/0/a.csv"), CONTEXT) == {"batchItemFailures": []}
