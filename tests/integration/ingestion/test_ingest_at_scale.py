"""Many raw files with every kind of defect through the function, each event one to three times and shuffled."""

import csv
import io
import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from tabserve.core import database
from tabserve.core.events import raw_file_message
from tabserve.core.files import RawFile
from tabserve.ingestion.quarantine import read_bad_rows
from tests.definitions import CATALOG
from tests.factories import CONTEXT
from tests.ingest_truth import Truth, raw_files
from tests.integration.ingestion.test_ingest_function import BUCKETS, NAMES
from tests.lambdas import emulated, messages, started
from tests.unit.ingestion.conftest import original

BATCH = 5


@pytest.mark.timeout(300)
@pytest.mark.parametrize("use_case", ["titanic", "iris"])
def test_good_and_bad_objects_hold_exactly_what_the_truth_says(
    use_case: str, tmp_path: Path, sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    truth = raw_files(CATALOG.get(use_case), tmp_path / "raw", files=40, seed=4)
    with emulated(buckets=BUCKETS) as aws:
        s3 = aws.s3
        for name, value in {"DATABASE_URL": sqlite_url, **NAMES}.items():
            monkeypatch.setenv(name, value)
        deliver(upload(s3, use_case, truth), monkeypatch)
        check(s3, sqlite_url, use_case, truth)


def upload(s3: Any, use_case: str, truth: list[Truth]) -> list[RawFile]:
    keys = [(f"{use_case}/{file.name}", file.content) for file in truth]
    return [
        RawFile("raw", key, s3.put_object(Bucket="raw", Key=key, Body=body)["ETag"].strip('"')) for key, body in keys
    ]


def deliver(files: list[RawFile], monkeypatch: pytest.MonkeyPatch) -> None:
    app = started("ingest", monkeypatch)
    chance = random.Random(1)
    events = [file for file in files for _ in range(chance.randint(1, 3))]
    chance.shuffle(events)
    for start in range(0, len(events), BATCH):
        event = messages(*map(raw_file_message, events[start : start + BATCH]))
        assert app.handler(event, CONTEXT) == {"batchItemFailures": []}


def check(s3: Any, url: str, use_case: str, truth: list[Truth]) -> None:
    engine = database.create(url)
    with engine.connect() as connection:
        verdicts = connection.execute(text("SELECT * FROM ingestions")).mappings().all()
        issues = connection.execute(text("SELECT file_id, column_name, rule, rows FROM data_quality_issues")).all()
    engine.dispose()
    by_key = {verdict["key"]: verdict for verdict in verdicts}
    assert len(verdicts) == len(truth)
    reports = s3.get_paginator("list_objects_v2").paginate(Bucket="artifacts", Prefix=f"reports/{use_case}/")
    assert sum(len(page["Contents"]) for page in reports) == len(truth)
    for file in truth:
        verdict = by_key[f"{use_case}/{file.name}"]
        good, bad = (body(s3, bucket, verdict[f"{bucket}_key"]) for bucket in ("good", "bad"))
        assert verdict["rows_total"] == verdict["rows_good"] + verdict["rows_bad"] == file.rows_total
        assert len(list(csv.reader(io.StringIO(good.decode())))) - bool(good) == len(file.good)
        found = {row.row_number: {reason.rule for reason in row.reasons} for row in read_bad_rows(io.BytesIO(bad))}
        assert found == file.bad
        assert Counter(lines(original(good))[1:] + raw_lines(bad)) == Counter(file.lines)
        counted = sum(issue.rows for issue in issues if issue.file_id == verdict["file_id"])
        assert counted == sum(len(row.reasons) for row in read_bad_rows(io.BytesIO(bad)))


def body(s3: Any, bucket: str, key: str | None) -> bytes:
    return s3.get_object(Bucket=bucket, Key=key)["Body"].read() if key else b""


def lines(content: bytes) -> list[bytes]:
    return content.split(b"\n")[:-1]


def raw_lines(bad: bytes) -> list[bytes]:
    rows = read_bad_rows(io.BytesIO(bad))
    return [line for row in rows for line in row.raw.encode(errors="surrogateescape").split(b"\n")]
