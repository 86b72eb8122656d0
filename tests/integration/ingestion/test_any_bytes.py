"""Whatever bytes arrive under whatever key: one verdict with a reason in PostgreSQL, and objects that agree with it."""

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import quote_plus

import boto3
import pytest
from sqlalchemy import Engine, text

import redrive
from tabserve.core.database import create
from tabserve.core.errors import DatabaseUnavailableError
from tabserve.ingestion.quarantine import read_bad_rows
from tests.factories import CONTEXT
from tests.integration.ingestion.test_ingest_function import HEADER, NAMES, s3
from tests.lambdas import messages, started

__all__ = ["s3"]
ROW = "1,3,male,22,7.25,S"
KEY = "titanic/a.csv"
FAULTS = {
    "a header that is not UTF-8": f"{HEADER},{'x' * 80},Größe\n{ROW},,1\n".encode("latin-1"),
    "two extra columns alike for 199 characters": f"{HEADER},{'x' * 200}a,{'x' * 200}b\n{ROW},1,2\n".encode(),
    "NUL in the name of an extra column": f"{HEADER},a\0b\n{ROW},1\n".encode(),
    "NUL in the name of a doubled column": f"{HEADER},a\0b,a\0b\n{ROW},1,2\n".encode(),
    "a formula under a long column name": f"{HEADER},{'x' * 2600}\n{ROW},=1+1\n".encode(),
    "five thousand columns": f"{HEADER}{''.join(f',c{n}' for n in range(5000))}\n{ROW}{',' * 5000}\n".encode(),
    "a column name over csv's limit": f"{HEADER},{'x' * 140_000}\n{ROW},1\n".encode(),
}


class Ingestion:
    """The ingestion function on an emulated S3 and PostgreSQL."""

    def __init__(self, app: Any, s3: Any, engine: Engine) -> None:
        self.app, self.s3, self.engine = app, s3, engine

    def deliver(self, content: bytes, key: str = KEY, receive: int = 1) -> list[str]:
        """Put a raw object there and deliver its event; return the messages that failed."""
        etag = self.s3.put_object(Bucket="raw", Key=key, Body=content)["ETag"].strip('"')
        item = {"key": quote_plus(key), "eTag": etag, "size": len(content)}
        body = json.dumps({"Records": [{"s3": {"bucket": {"name": "raw"}, "object": item}}]})
        answer = self.app.handler(messages(body, receives=receive), CONTEXT)
        return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]

    def redrive(self) -> list[str]:
        """Deliver what the redriving command queues."""
        sqs = boto3.client("sqs", region_name="us-east-1")
        queue = sqs.create_queue(QueueName="ingest")["QueueUrl"]
        if not redrive.queue_missing(sqs, queue):
            return ["nothing to do"]
        received = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10)["Messages"]
        answer = self.app.handler(messages(*(message["Body"] for message in received)), CONTEXT)
        return [item["itemIdentifier"] for item in answer["batchItemFailures"]]

    def verdict(self) -> dict[str, Any]:
        """Return the one verdict, checked against its objects, bad rows and issues."""
        [found] = self.verdicts()
        assert found["rows_total"] == found["rows_good"] + found["rows_bad"]
        assert bool(found["error"]) == (found["status"] != "done")
        assert self._object("artifacts", found["report_key"])
        good = list(csv.reader(io.StringIO(self._object("good", found["good_key"]).decode(), newline="")))
        assert max(0, len(good) - 1) == found["rows_good"]
        bad = list(read_bad_rows(io.BytesIO(self._object("bad", found["bad_key"]))))
        assert len(bad) == found["rows_bad"] == self._rows("SELECT count(*) AS n FROM bad_rows")[0]["n"]
        counted = self._rows("SELECT coalesce(sum(rows), 0) AS n FROM data_quality_issues")[0]["n"]
        assert counted == sum(len(row.reasons) for row in bad)
        return found

    def verdicts(self) -> list[dict[str, Any]]:
        """Return every verdict."""
        return self._rows("SELECT * FROM ingestions")

    def alerts(self) -> list[tuple[str, str]]:
        """Return the alerts waiting to be sent."""
        return [(row["rule"], row["state"]) for row in self._rows("SELECT rule, state FROM alerts ORDER BY created_at")]

    def _rows(self, query: str) -> list[dict[str, Any]]:
        with self.engine.connect() as connection:
            return [dict(row) for row in connection.execute(text(query)).mappings()]

    def _object(self, bucket: str, key: str | None) -> bytes:
        body: bytes = self.s3.get_object(Bucket=bucket, Key=key)["Body"].read() if key else b""
        return body


@pytest.fixture
def ingestion(s3: Any, postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ingestion]:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    app = started("ingest", monkeypatch, DATABASE_URL=postgres_url, **NAMES)
    engine = create(postgres_url)
    yield Ingestion(app, s3, engine)
    engine.dispose()
    app.service.deps.ingestions._database.close()


@pytest.mark.parametrize("content", FAULTS.values(), ids=FAULTS)
def test_a_header_nobody_can_work_with_is_a_verdict_at_the_first_delivery(ingestion: Ingestion, content: bytes) -> None:
    assert ingestion.deliver(content) == []
    assert ingestion.verdict()["status"] == "rejected"


def break_validator(ingestion: Ingestion, monkeypatch: pytest.MonkeyPatch) -> None:
    service = ingestion.app.service

    def validate_rows(*_: object) -> None:
        raise RuntimeError("polars panicked")

    deps = replace(service.deps, validation=replace(service.deps.validation, validate_rows=validate_rows))
    monkeypatch.setattr(ingestion.app, "service", replace(service, deps=deps))


def test_what_is_no_outage_is_a_failed_verdict_at_the_third_delivery_and_may_be_tried_again(
    ingestion: Ingestion, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = f"{HEADER}\n{ROW}\n".encode()
    working = ingestion.app.service
    break_validator(ingestion, monkeypatch)
    assert [ingestion.deliver(content, receive=receive) for receive in (1, 2)] == [["1"], ["1"]]
    assert ingestion.verdicts() == []
    assert ingestion.deliver(content, receive=3) == []
    failed = ingestion.verdict()
    assert (failed["status"], failed["error"][:14]) == ("failed", "internal_error")
    assert ingestion.alerts() == [("data_quality", "firing")]
    monkeypatch.setattr(ingestion.app, "service", working)
    assert ingestion.redrive() == []
    assert ingestion.verdict()["status"] == "done"
    assert ingestion.redrive() == ["nothing to do"]


def test_an_outage_is_no_verdict_however_often_it_is_met(ingestion: Ingestion, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object) -> bool:
        raise DatabaseUnavailableError("the database is away")

    monkeypatch.setattr(ingestion.app.service.deps.ingestions, "save", away)
    monkeypatch.setattr("tabserve.ingestion.service.PAUSES", ())
    for receive in range(1, 6):
        assert ingestion.deliver(f"{HEADER}\n{ROW}\n".encode(), receive=receive) == ["1"]
    assert ingestion.verdicts() == []


@pytest.mark.parametrize("key", ["titanic/\x01.csv", "titanic/", "titanic/" + "x" * 1016, "titanic/\U0001f600 +%.csv"])
def test_whatever_the_key_there_is_one_verdict(ingestion: Ingestion, key: str) -> None:
    assert ingestion.deliver(f"{HEADER}\n{ROW}\n2,9,male,22,7.25,S\n".encode(), key) == []
    assert ingestion.verdict()["status"] == ("rejected" if "\x01" in key else "done")
