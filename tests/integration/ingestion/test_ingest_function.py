"""The ingestion function on an emulated S3 and a real database, event to answer."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from tabserve.core.events import raw_file_message
from tabserve.core.files import RawFile
from tests.factories import CONTEXT
from tests.lambdas import emulated, messages, started

BUCKETS = ("raw", "good", "bad", "artifacts")
NAMES = {f"{bucket.upper()}_BUCKET": bucket for bucket in BUCKETS}
EVENT = (Path(__file__).parents[2] / "events/ingest.json").read_text()
KEY = "titanic/first 100%.csv"
HEADER = "PassengerId,Pclass,Sex,Age,Fare,Embarked"


@pytest.fixture
def s3() -> Iterator[Any]:
    with emulated(buckets=BUCKETS) as aws:
        yield aws.s3


@pytest.fixture
def app(s3: Any, sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    return started("ingest", monkeypatch, DATABASE_URL=sqlite_url, **NAMES)


def rows(url: str, query: str) -> list[Any]:
    engine = create_engine(url)
    with engine.connect() as connection:
        found = list(connection.execute(text(query)))
    engine.dispose()
    return found


def drop(s3: Any, body: bytes) -> dict[str, Any]:
    """Put a raw object there; return the event about it."""
    etag = s3.put_object(Bucket="raw", Key=KEY, Body=body)["ETag"].strip('"')
    event: dict[str, Any] = json.loads(EVENT)
    (message,) = event["Records"]
    notice = json.loads(message["body"])
    notice["Records"][0]["s3"]["object"]["eTag"] = etag
    return {"Records": [message | {"body": json.dumps(notice)}]}


def keys(s3: Any, bucket: str) -> list[str]:
    return [item["Key"] for item in s3.list_objects_v2(Bucket=bucket).get("Contents", ())]


def test_a_raw_file_becomes_good_and_bad_objects_and_a_verdict(app: Any, s3: Any, sqlite_url: str) -> None:
    event = drop(s3, f"{HEADER}\n1,3,male,22,7.25,S\n2,4,female,38,71.28,C\n".encode())
    assert app.handler(event, CONTEXT) == {"batchItemFailures": []}
    [(file_id, good_key, bad_key, report_key)] = rows(
        sqlite_url, "SELECT file_id, good_key, bad_key, report_key FROM ingestions"
    )
    assert good_key == bad_key
    assert re.fullmatch(f"titanic/{file_id}/[0-9a-f]{{16}}/first 100%.csv", good_key)
    assert (
        s3.get_object(Bucket="good", Key=good_key)["Body"].read().decode()
        == f"row_number,{HEADER}\n1,1,3,male,22,7.25,S\n"
    )
    assert (
        "the value is none of the categories"
        in s3.get_object(Bucket="artifacts", Key=report_key)["Body"].read().decode()
    )
    assert rows(sqlite_url, "SELECT row_number, line_number, raw FROM bad_rows") == [(2, 3, "2,4,female,38,71.28,C")]
    assert rows(sqlite_url, "SELECT column_name, rule, rows FROM data_quality_issues") == [
        ("Pclass", "unknown_category", 1)
    ]


@pytest.mark.parametrize(
    ("default", "status", "use_case", "criticality"),
    [("titanic", "done", "titanic", "none"), ("", "rejected", None, "low")],
)
def test_a_raw_file_in_no_folder_goes_to_the_default_use_case_or_is_rejected_without_an_alert(
    s3: Any,
    sqlite_url: str,
    monkeypatch: pytest.MonkeyPatch,
    default: str,
    status: str,
    use_case: str | None,
    criticality: str,
) -> None:
    app = started("ingest", monkeypatch, DATABASE_URL=sqlite_url, DEFAULT_USE_CASE=default, **NAMES)
    etag = s3.put_object(Bucket="raw", Key="a.csv", Body=f"{HEADER}\n1,3,male,22,7.25,S\n".encode())["ETag"].strip('"')
    event = messages(raw_file_message(RawFile("raw", "a.csv", etag)))
    assert app.handler(event, CONTEXT) == {"batchItemFailures": []}
    found = rows(sqlite_url, "SELECT key, status, use_case, criticality FROM ingestions")
    assert found == [("a.csv", status, use_case, criticality)]
    assert [key.partition("/")[0] for key in keys(s3, "good")] == [use_case] * (use_case is not None)
    assert rows(sqlite_url, "SELECT id FROM alerts") == []


def test_a_repeated_event_changes_nothing(app: Any, s3: Any, sqlite_url: str) -> None:
    event = drop(s3, f"{HEADER}\n1,3,male,22,7.25,S\n".encode())
    app.handler(event, CONTEXT)
    before = rows(sqlite_url, "SELECT * FROM ingestions")
    assert app.handler(event, CONTEXT) == {"batchItemFailures": []}
    assert rows(sqlite_url, "SELECT * FROM ingestions") == before
    assert len(keys(s3, "good")) == 1


def test_a_file_that_cannot_be_split_is_rejected_with_its_reason(app: Any, s3: Any, sqlite_url: str) -> None:
    event = drop(s3, b"a,b\n1,2\n")
    assert app.handler(event, CONTEXT) == {"batchItemFailures": []}
    [(status, error)] = rows(sqlite_url, "SELECT status, error FROM ingestions")
    assert status == "rejected"
    assert error.startswith("missing_column: The header lacks PassengerId, Pclass")
    assert keys(s3, "good") == keys(s3, "bad") == []


def test_a_message_that_cannot_be_read_is_the_only_one_to_come_again(app: Any, s3: Any, sqlite_url: str) -> None:
    good = drop(s3, f"{HEADER}\n1,3,male,22,7.25,S\n".encode())
    event = messages("{", good["Records"][0]["body"])
    assert app.handler(event, CONTEXT) == {"batchItemFailures": [{"itemIdentifier": "1"}]}
    assert rows(sqlite_url, "SELECT status FROM ingestions") == [("done",)]


@pytest.mark.parametrize("webhook", ["chat.example/hook", "http://127.0.0.1:9/", "nonsense"])
def test_a_file_worth_an_alert_is_ingested_whatever_the_webhook_is(
    app: Any, s3: Any, sqlite_url: str, monkeypatch: pytest.MonkeyPatch, webhook: str
) -> None:
    app = started("ingest", monkeypatch, ALERT_WEBHOOK_URL=webhook)
    event = drop(s3, b"a,b\n1,2\n")
    assert app.handler(event, CONTEXT) == {"batchItemFailures": []}
    assert rows(sqlite_url, "SELECT rule, attempts FROM alerts") == [("data_quality", 0)]
